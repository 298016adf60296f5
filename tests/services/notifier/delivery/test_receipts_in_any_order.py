"""What a provider says and what the recipient answers, in every order and twice: the same end."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.domain import Attempt, DeliveryKind, MessageClass, SendResult, SendResultKind
from services.notifier.delivery.handlers import DeliveryTimes
from services.notifier.delivery.receipts import DeliveryReceipts, NotRecordedYet, Receipt
from shared.events.vocabulary import Acknowledgement
from tests.services.notifier.building import report
from tests.services.notifier.notifying import Notifier

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
                waiting.append(saying)  # what comes before the outcome is recorded is said again later
    mine = "from alert where escalated_from is null"
    assert await chosen.rows(f"select distinct state, answer {mine}") == [("acknowledged", "confirmed")]
    assert await chosen.scalar(f"select count(*) {mine} and delivered_at is null") == 0
    types = await chosen.event_types()
    assert types.count("alert.delivered.v1") == types.count("alert.acknowledged.v1") == len(ORDERS)
    assert await chosen.scalar("select count(*) from awaited_answer where remind_at is not null") == 0


async def _say(notifier: Notifier, saying: str, attempt: Attempt) -> bool:
    """Say it in a transaction of its own; False where it is to be said again."""
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
