"""Digests and storms: one email, and each alert still has its own state and its own answer."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.digests import held_until, next_digest
from services.notifier.delivery.domain import SendResult, SendResultKind, Urgency
from services.notifier.delivery.handlers import DeliveryTimes
from shared.events.notifier import AlertSent
from shared.events.triage import CaseAssigned
from shared.events.vocabulary import AlertPurpose
from tests.services.notifier.builders import DIGEST_RULES, GRACE, HELEN, NOW, PRIYA, TOM, report, resolved, routed
from tests.services.notifier.cases.test_follow_ups import deadline
from tests.services.notifier.environment import Notifier
from tests.services.notifier.mail_server import text_of
from tests.services.notifier.web import NotifierWeb
from tests.support.web import csrf_token

STATES = "select state, count(*) from alert group by state order by state"


@pytest.fixture
def stormy(notifier: Notifier) -> Notifier:
    """More than three alerts in ten minutes are a storm."""
    return replace(notifier, digest_rules=replace(DIGEST_RULES, storm_after=3))


async def test_low_urgency_is_collected_for_each_recipient_until_its_time(notifier: Notifier) -> None:
    for team in ("smart", "smart", "triage_desk"):
        await notifier.receive(deadline(routed(uuid4(), team=team), priority="P3"))
    assert await notifier.sweep_digests() == 0
    notifier.clock.turn(timedelta(hours=4))
    assert await notifier.sweep_digests() == 3
    await notifier.deliver_until(notifier.all_settled)
    mails = dict(zip(notifier.mail_server.recipients, notifier.mail_server.mails, strict=True))
    assert set(mails) == {"smart-lead@example.org", "triage-desk-lead@example.org"}
    assert mails["smart-lead@example.org"]["Subject"] == "2 messages from Signpost"
    assert mails["triage-desk-lead@example.org"]["Subject"] == "A deadline is at risk, SP-0000-0000"
    assert await notifier.rows(STATES) == [("sent", 3)]
    assert len(await notifier.events(AlertSent)) == 3
    assert await notifier.sweep_digests() == 0


async def test_a_reporter_is_shown_no_managers_page_in_a_digest(notifier: Notifier) -> None:
    chosen = replace(notifier, digest_rules=replace(DIGEST_RULES, digest=frozenset({AlertPurpose.REPORT_FINISHED})))
    for _ in range(2):
        said = report()
        case = routed(said.report_id, form="abuse", report_type="abuse", team="smart")
        await chosen.receive(said)
        await chosen.receive(case)
        await chosen.receive(resolved(case, "support_given"))
    await chosen.deliver_until(chosen.all_settled)
    chosen.clock.turn(timedelta(hours=8))
    assert await chosen.sweep_digests() == 2
    await chosen.deliver_until(chosen.all_settled)
    digest = chosen.mail_server.mails[-1]
    assert (digest["To"], digest["Subject"]) == (PRIYA.email, "2 messages from Signpost")
    assert text_of(digest).count("/report/track") == 2
    assert "my-team" not in text_of(digest)


async def test_a_storm_is_one_summary_and_urgent_alerts_are_not_held(stormy: Notifier) -> None:
    for _ in range(3):
        await stormy.receive(report(), report(reporter=TOM))
    await stormy.receive(report(behaviours=["threat"]))
    await stormy.deliver_until(stormy.all_settled)
    assert len(stormy.mail_server.mails) == 4
    assert await stormy.rows(STATES) == [("created", 3), ("sent", 4)]
    stormy.clock.turn(timedelta(minutes=11))
    assert await stormy.sweep_digests() == 3
    await stormy.deliver_until(stormy.all_settled)
    summary = stormy.mail_server.mails[-1]
    assert stormy.mail_server.recipients == [GRACE.email] * 5
    assert summary["Subject"] == "3 messages from Signpost"
    assert await stormy.rows(STATES) == [("sent", 7)]


async def test_who_is_given_many_urgent_cases_at_once_gets_the_rest_of_them_in_one_summary(stormy: Notifier) -> None:
    ids = {"case_id", "report_id", "reference", "at", "team"}
    cases = [routed(uuid4(), team="smart").model_dump(include=ids) for _ in range(60)]
    said = {"priority": "P1", "assignee": PRIYA.staff_id}
    await stormy.receive(*(CaseAssigned.model_validate(case | said) for case in cases))
    await stormy.deliver_until(stormy.all_settled)
    assert await stormy.rows(STATES) == [("created", 57), ("sent", 3)]
    stormy.clock.turn(timedelta(minutes=11))
    assert await stormy.sweep_digests() == 57
    await stormy.deliver_until(stormy.all_settled)
    assert stormy.mail_server.recipients == [PRIYA.email] * 4


async def test_a_storm_ends_by_itself(stormy: Notifier) -> None:
    await stormy.receive(*(report() for _ in range(5)))
    stormy.clock.turn(timedelta(minutes=11))
    await stormy.receive(report())
    assert await stormy.scalar("select count(*) from delivery") == 4


@pytest.mark.policy("S3")
async def test_each_alert_of_a_summary_is_answered_by_itself(stormy: Notifier, web: NotifierWeb) -> None:
    await stormy.receive(*(report() for _ in range(5)))
    stormy.clock.turn(timedelta(minutes=11))
    await stormy.sweep_digests()
    await stormy.deliver_until(stormy.all_settled)
    links = [re.findall(r"/alerts/acknowledge/\S+", text_of(mail)) for mail in stormy.mail_server.mails]
    [one, other] = max(links, key=len)  # several emails leave at once, in any order
    async with web.client() as client:
        token = csrf_token((await client.get(one)).text)
        await client.post(one, data={"csrftoken": token, "answer": "confirmed"})
        still_asked = await client.get(other)
    assert "Tell us that you have seen this alert" in still_asked.text
    assert await stormy.scalar("select count(*) from alert where answer is not null") == 1
    assert await stormy.scalar("select count(*) from awaited_answer where remind_at is not null") == 4


@pytest.mark.policy("S3")
async def test_a_summary_that_cannot_be_delivered_tells_the_next_of_each(stormy: Notifier) -> None:
    await stormy.receive(*(report() for _ in range(5)))
    await stormy.deliver_until(stormy.all_settled)
    stormy.clock.turn(timedelta(minutes=11))
    await stormy.sweep_digests()
    stormy.mail_server.replies_to_recipient = ["550 nobody here"]
    await stormy.deliver_until(lambda: _escalated(stormy, 2))
    assert (
        await stormy.rows("select recipient_email from alert where escalated_from is not null") == [(HELEN.email,)] * 2
    )


async def test_a_summary_left_open_by_a_crash_is_sent_again_with_its_message_id_and_marked(stormy: Notifier) -> None:
    await stormy.receive(*(report() for _ in range(5)))
    await stormy.deliver_until(stormy.all_settled)
    stormy.clock.turn(timedelta(minutes=11))
    await stormy.sweep_digests()
    async with stormy.database.transaction() as session:
        [first] = await delivery.claim(
            session, worker=1, limit=9, lease=stormy.lease, now=stormy.clock.now(), ids=stormy.ids
        )
    stormy.clock.turn(stormy.lease)
    await stormy.deliver_until(stormy.all_settled)
    summary = stormy.mail_server.mails[-1]
    assert summary["Message-ID"] == f"<{first.alert_id}.summary@example.org>"
    assert summary["X-Signpost-Possible-Repeat"] == "yes"
    async with stormy.database.transaction() as session:
        late = {first.attempt_id: SendResult(SendResultKind.ACCEPTED, 250)}
        times = DeliveryTimes(stormy.lease, timedelta(hours=12))
        settled = await delivery.settle(session, late, times=times, now=stormy.clock.now())
        await stormy.acknowledgements.settled(session, settled, stormy.clock.now())
    assert await stormy.rows(STATES) == [("sent", 5)]


async def _escalated(notifier: Notifier, count: int) -> bool:
    return await notifier.scalar("select count(*) from alert where escalated_from is not null") == count


RULES = replace(DIGEST_RULES, storm_after=3, at_most=timedelta(hours=30))
LOW, AT_RISK = Urgency.LOW, AlertPurpose.DEADLINE_AT_RISK


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        (datetime(2026, 11, 23, 8, 59, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), datetime(2026, 11, 23, 14, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 23, 0, tzinfo=UTC), datetime(2026, 11, 24, 9, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 8, 30, tzinfo=UTC), datetime(2026, 7, 1, 13, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 15, 0, tzinfo=UTC), datetime(2026, 3, 29, 8, 0, tzinfo=UTC)),
        (datetime(2026, 10, 24, 15, 0, tzinfo=UTC), datetime(2026, 10, 25, 9, 0, tzinfo=UTC)),
        (datetime(2028, 2, 28, 15, 0, tzinfo=UTC), datetime(2028, 2, 29, 9, 0, tzinfo=UTC)),
    ],
)
def test_a_digest_leaves_at_the_next_set_time_on_british_clocks(now: datetime, leaves: datetime) -> None:
    assert next_digest(now, RULES) == leaves


def test_no_message_waits_longer_than_was_said() -> None:
    assert next_digest(NOW, replace(RULES, at_most=timedelta(hours=1))) == NOW + timedelta(hours=1)
    assert next_digest(NOW, replace(RULES, times=())) == NOW + timedelta(hours=30)


@pytest.mark.parametrize(
    ("purpose", "urgency", "lately", "held"),
    [
        (AT_RISK, Urgency.LOW, 0, True),
        (AT_RISK, Urgency.NORMAL, 0, False),
        (AT_RISK, Urgency.URGENT, 99, False),
        (AlertPurpose.REPORT_MOVED, Urgency.LOW, 0, False),
        (AlertPurpose.ABUSE_REPORTED, Urgency.NORMAL, 2, False),
        (AlertPurpose.ABUSE_REPORTED, Urgency.NORMAL, 3, True),
        (AlertPurpose.ABUSE_REPORTED, Urgency.URGENT, 99, False),
        (AlertPurpose.CASE_ASSIGNED, Urgency.URGENT, 2, False),
        (AlertPurpose.CASE_ASSIGNED, Urgency.URGENT, 3, True),
        (AlertPurpose.TASK_GIVEN, Urgency.URGENT, 3, True),
    ],
)
def test_what_is_held(purpose: AlertPurpose, urgency: Urgency, lately: int, held: bool) -> None:
    until = held_until(purpose, urgency, lately=lately, now=NOW, rules=RULES)
    assert (until is not None) is held


@given(
    purpose=st.sampled_from(sorted(AlertPurpose)),
    lately=st.integers(0, 10**6),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- zones are added
    times=st.lists(st.times(), max_size=4).map(tuple),
)
def test_urgent_is_never_held_and_nothing_waits_forever(
    purpose: AlertPurpose, lately: int, now: datetime, times: tuple[time, ...]
) -> None:
    rules = replace(RULES, times=times)
    if purpose not in {AlertPurpose.CASE_ASSIGNED, AlertPurpose.TASK_GIVEN}:
        assert held_until(purpose, Urgency.URGENT, lately=lately, now=now, rules=rules) is None
    for urgency in (Urgency.NORMAL, Urgency.LOW):
        until = held_until(purpose, urgency, lately=lately, now=now, rules=rules)
        assert until is None or now < until <= now + max(rules.at_most, rules.storm_window)
