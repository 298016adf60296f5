"""Delivery receipts: late, twice, in every order and together with an acknowledgement, and from another caller."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import httpx
import pytest

from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.domain import Attempt, DeliveryKind, MessageClass, SendResult, SendResultKind
from services.notifier.delivery.handlers import DeliveryReceipts, DeliveryTimes, NotRecordedYet, Receipt, claim
from shared.events.notifier import AlertDelivered, AlertFailed
from shared.events.vocabulary import Acknowledgement
from tests.services.notifier.builders import GRACE, HELEN, report
from tests.services.notifier.environment import Notifier
from tests.services.notifier.notify_server import NotifyForTests, running_notify
from tests.services.notifier.web import CALLBACK_TOKEN, NotifierWeb

PATH = "/alerts/api/v1/notify-receipts"
BY_NOTIFY = frozenset({MessageClass.MANAGER})
STATE = "select state, failure from alert where escalated_from is null"


@pytest.fixture
async def notify() -> AsyncIterator[NotifyForTests]:
    async with running_notify() as server:
        yield server


@pytest.fixture
async def sent(notifier: Notifier, notify: NotifyForTests) -> Notifier:
    """An alert that Notify took."""
    chosen = replace(notifier, by_notify=BY_NOTIFY)
    await chosen.receive(report())
    await chosen.deliver_until(chosen.all_settled, chosen.loop(notify.channel()))
    return chosen


async def test_delivered_is_said_once_however_often_it_comes(
    sent: Notifier, notify: NotifyForTests, web: NotifierWeb
) -> None:
    for _ in range(3):
        assert (await call(web, notify, "delivered")).status_code == 204
    assert await sent.rows(STATE) == [("delivered", None)]
    [said] = await sent.events(AlertDelivered)
    assert (said.channel, said.purpose) == ("notify", "abuse_reported")


async def test_a_permanent_failure_tells_the_next_in_the_chain(
    sent: Notifier, notify: NotifyForTests, web: NotifierWeb
) -> None:
    for _ in range(2):
        await call(web, notify, "permanent-failure")
    assert [event.kind for event in await sent.events(AlertFailed)] == ["permanent"]
    await sent.deliver_until(sent.all_settled)
    assert sent.mail_server.recipients == [HELEN.email]
    assert (await sent.rows(STATE))[0] == ("undelivered", "permanent")


@pytest.mark.parametrize("status", ["temporary-failure", "technical-failure"])
async def test_a_failure_that_may_pass_is_tried_again(
    sent: Notifier, notify: NotifyForTests, web: NotifierWeb, status: str
) -> None:
    await call(web, notify, status)
    await call(web, notify, status)
    notify.taken[0]["status"] = status
    sent.clock.turn(timedelta(minutes=1))
    await sent.deliver_until(sent.all_settled, sent.loop(notify.channel()))
    assert [message["email_address"] for message in notify.taken] == [GRACE.email] * 2
    await call(web, notify, "delivered", number=1)
    await call(web, notify, status)
    assert await sent.rows(STATE) == [("delivered", None)]
    assert await sent.scalar("select state from delivery") == "accepted"


@pytest.mark.parametrize(
    ("order", "told"), [(("delivered", "permanent-failure"), 1), (("permanent-failure", "delivered"), 2)]
)
async def test_what_was_delivered_did_not_fail_whatever_comes_first(
    sent: Notifier, notify: NotifyForTests, web: NotifierWeb, order: tuple[str, str], told: int
) -> None:
    """Only a failure that came first alerts the next person: we could not know then that it was wrong."""
    for status in order:
        await call(web, notify, status)
    assert (await sent.rows(STATE))[0] == ("delivered", None)
    assert await sent.scalar("select count(*) from alert") == told


async def test_a_receipt_that_overtakes_the_outcome_is_asked_for_again(
    notifier: Notifier, notify: NotifyForTests, web: NotifierWeb
) -> None:
    chosen = replace(notifier, by_notify=BY_NOTIFY)
    await chosen.receive(report())
    async with chosen.database.transaction() as session:
        [attempt] = await claim(
            session, worker=1, limit=1, lease=timedelta(minutes=5), now=chosen.clock.now(), ids=chosen.ids
        )
    notify.take({"reference": f"{attempt.alert_id}.alert"})
    answer = await call(web, notify, "delivered")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["title"] == "The message is not recorded as sent yet"
    assert await chosen.scalar("select count(*) from receipt") == 0


@pytest.mark.parametrize(
    "said",
    [
        {"id": "x", "reference": "not-ours", "status": "delivered"},
        {"id": "x", "reference": None, "status": "delivered"},
        {"id": "x", "reference": "00000000-0000-0000-0000-000000000001.alert", "status": "delivered"},
        {"id": "x", "reference": "00000000-0000-0000-0000-000000000001.alert", "status": "from-the-future"},
    ],
)
async def test_a_receipt_that_names_none_of_ours_changes_nothing(web: NotifierWeb, said: dict[str, object]) -> None:
    assert (await post(web, said)).status_code == 204


@pytest.mark.parametrize("said", [{}, {"id": 5, "status": "delivered"}, {"id": "a\x00", "status": "delivered"}, []])
async def test_a_receipt_that_is_none_is_refused(web: NotifierWeb, said: object) -> None:
    assert (await post(web, said)).status_code == 422


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer "}, {"authorization": "Bearer guess"}, {"authorization": "Basic guess"}]
)
async def test_nobody_else_can_say_that_something_was_delivered(web: NotifierWeb, headers: dict[str, str]) -> None:
    async with web.client() as client:
        answer = await client.post(PATH, json={"id": "x", "status": "delivered"}, headers=headers)
    assert answer.status_code == 401


async def call(web: NotifierWeb, notify: NotifyForTests, status: str, number: int = 0) -> httpx.Response:
    taken = notify.taken[number]
    said = {"id": taken["id"], "reference": taken["reference"], "to": "somebody@example.org", "status": status}
    return await post(web, said)


async def post(web: NotifierWeb, said: object) -> httpx.Response:
    async with web.client() as client:
        return await client.post(PATH, json=said, headers={"authorization": f"Bearer {CALLBACK_TOKEN.decode()}"})


TIMES = DeliveryTimes(timedelta(minutes=5), timedelta(hours=12))
SAYINGS = ("taken", "delivered", "permanent", "temporary", "answer")
ORDERS = [(*order, again) for order in permutations(SAYINGS) for again in ("delivered",)]


@pytest.mark.policy("S3")
async def test_every_order_ends_with_the_answer_and_what_arrived_has_arrived(notifier: Notifier) -> None:
    chosen = replace(notifier, by_notify=frozenset({MessageClass.MANAGER}))
    await chosen.receive(*(report() for _ in ORDERS))
    async with chosen.database.transaction() as session:
        attempts = await delivery.claim(
            session, worker=1, limit=len(ORDERS), lease=TIMES.lease, now=chosen.clock.now(), ids=chosen.ids
        )
    for order, attempt in zip(ORDERS, attempts, strict=True):
        waiting = list(order)
        while waiting:
            saying = waiting.pop(0)
            if not await _say(chosen, saying, attempt):
                waiting.append(saying)  # a receipt that comes before the result is recorded is sent again later
    mine = "from alert where escalated_from is null"
    assert await chosen.rows(f"select distinct state, answer {mine}") == [("acknowledged", "confirmed")]
    assert await chosen.scalar(f"select count(*) {mine} and delivered_at is null") == 0
    types = await chosen.event_types()
    assert types.count("alert.delivered.v1") == types.count("alert.acknowledged.v1") == len(ORDERS)
    assert await chosen.scalar("select count(*) from awaited_answer where remind_at is not null") == 0


async def _say(notifier: Notifier, saying: str, attempt: Attempt) -> bool:
    """Record it in a transaction of its own; return False if it has to be sent again."""
    receipts = DeliveryReceipts(notifier.acknowledgements.settled, notifier.acknowledgements.delivered, TIMES, None)
    now, provider_id = notifier.clock.now(), f"notify-{attempt.delivery_id}"
    try:
        async with notifier.database.transaction() as session:
            if saying == "taken":
                outcomes = {attempt.attempt_id: SendResult(SendResultKind.ACCEPTED, 201, provider_id=provider_id)}
                settled = await delivery.settle(session, outcomes, times=TIMES, now=now)
                await notifier.acknowledgements.settled(session, settled, now)
            elif saying == "answer":
                await notifier.acknowledgements.answer(session, attempt.alert_id, Acknowledgement.CONFIRMED, now)
            else:
                kind = SendResultKind.ACCEPTED if saying == "delivered" else SendResultKind(saying)
                await receipts.take(session, Receipt(provider_id, attempt.alert_id, DeliveryKind.ALERT, kind), now)
    except NotRecordedYet:
        return False
    return True
