"""What follows an alert: an acknowledgement, one reminder, the next in the chain; an acknowledgement always stands."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.handlers import record_answer
from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.domain import Attempt, SendResult, SendResultKind
from services.notifier.delivery.handlers import DeliveryTimes
from services.notifier.directory.domain import StaffMember
from shared.events.vocabulary import Acknowledgement
from tests.services.notifier.builders import GRACE, HELEN, LUCA, PRIYA, report
from tests.services.notifier.environment import PATIENCE, Notifier, eventually


async def _sent(notifier: Notifier, reporter: StaffMember = PRIYA) -> None:
    await notifier.receive(report(reporter=reporter))
    await notifier.deliver_until(notifier.all_settled)


async def _sweep(notifier: Notifier) -> tuple[int, int]:
    """Do the work that is due, as the sweeps do; return how many reminders and escalations were due."""
    async with notifier.database.transaction() as session:
        reminded = await notifier.acknowledgements.remind_due(session, notifier.clock.now())
    async with notifier.database.transaction() as session:
        escalated = await notifier.acknowledgements.escalate_due(session, notifier.clock.now())
    await notifier.deliver_until(notifier.all_settled)
    return reminded, escalated


@pytest.mark.policy("S3")
async def test_silence_brings_one_reminder_in_the_same_thread(notifier: Notifier) -> None:
    await _sent(notifier)
    assert await _sweep(notifier) == (0, 0)
    notifier.clock.turn(timedelta(hours=4))
    assert await _sweep(notifier) == (1, 0)
    assert await _sweep(notifier) == (0, 0)
    first, reminder = notifier.mail_server.mails
    assert reminder["Subject"].startswith("Reminder: ")
    assert reminder["In-Reply-To"] == first["Message-ID"] != reminder["Message-ID"]
    assert reminder["X-Signpost-Possible-Repeat"] is None


@pytest.mark.policy("S3")
async def test_silence_after_the_reminder_tells_the_next_in_the_chain_once(notifier: Notifier) -> None:
    await _sent(notifier)
    notifier.clock.turn(timedelta(hours=4))
    await _sweep(notifier)
    notifier.clock.turn(timedelta(hours=20))
    assert await _sweep(notifier) == (0, 1)
    assert notifier.mail_server.recipients == [GRACE.email, GRACE.email, HELEN.email]
    for _ in range(5):
        notifier.clock.turn(timedelta(days=7))
        await _sweep(notifier)
    assert notifier.mail_server.recipients == [GRACE.email, GRACE.email, HELEN.email, HELEN.email]
    assert (await notifier.event_types()).count("alert.escalated.v1") == 1


@pytest.mark.policy("S3")
async def test_the_chain_is_the_one_that_was_stored_with_the_alert(notifier: Notifier) -> None:
    await _sent(notifier)
    await notifier.rows("delete from reporting_line returning id")
    notifier.clock.turn(timedelta(hours=24))
    await _sweep(notifier)
    assert sorted(notifier.mail_server.recipients) == [GRACE.email, GRACE.email, HELEN.email]


@pytest.mark.policy("Sc-a")
async def test_the_fallback_has_nobody_after_it(notifier: Notifier) -> None:
    await _sent(notifier, reporter=LUCA)
    notifier.clock.turn(timedelta(days=2))
    assert await _sweep(notifier) == (1, 0)
    assert set(notifier.mail_server.recipients) == {"kcis-desk@example.org"}


async def test_an_answer_ends_the_waiting(notifier: Notifier) -> None:
    await _sent(notifier)
    await _answer(notifier, Acknowledgement.CONFIRMED)
    notifier.clock.turn(timedelta(days=2))
    assert await _sweep(notifier) == (0, 0)
    assert notifier.mail_server.recipients == [GRACE.email]


async def test_a_late_yes_after_the_escalation_is_still_taken(notifier: Notifier) -> None:
    await _sent(notifier)
    notifier.clock.turn(timedelta(hours=24))
    await _sweep(notifier)
    assert await _answer(notifier, Acknowledgement.CONFIRMED)
    assert await notifier.rows("select state from alert where escalated_from is null") == [("acknowledged",)]


async def test_a_no_goes_up_the_whole_chain_to_the_fallback_and_then_stops(notifier: Notifier) -> None:
    await _sent(notifier)
    for _ in range(5):
        for alert_id in await notifier.alert_ids():
            async with notifier.database.transaction() as session:
                await notifier.acknowledgements.answer(
                    session, alert_id, Acknowledgement.NOT_MINE, notifier.clock.now()
                )
        await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [
        GRACE.email,
        HELEN.email,
        "margaret.ellis@example.org",
        "kcis-desk@example.org",
    ]


async def test_an_answer_that_comes_before_the_outcome_is_recorded_starts_no_waiting(notifier: Notifier) -> None:
    """A fast reader acknowledges while the loop still records that the message was taken."""
    await notifier.receive(report())
    await _answer(notifier, Acknowledgement.CONFIRMED)
    await notifier.deliver_until(notifier.all_settled)
    assert await notifier.scalar("select count(*) from awaited_answer") == 0
    assert await notifier.rows("select state from alert") == [("acknowledged",)]


async def _answer(notifier: Notifier, answer: Acknowledgement = Acknowledgement.CONFIRMED) -> bool:
    [alert_id, *_] = await notifier.alert_ids()
    async with notifier.database.transaction() as session:
        return await notifier.acknowledgements.answer(session, alert_id, answer, notifier.clock.now())


TIMES = DeliveryTimes(timedelta(minutes=5), timedelta(hours=12))
ACCEPTED = SendResult(SendResultKind.ACCEPTED, 250)
REFUSED = SendResult(SendResultKind.PERMANENT, 550)
BUSY = SendResult(SendResultKind.TEMPORARY, 450)
ALERT = "select state, failure, answer from alert where escalated_from is null"


@pytest.mark.policy("S3")
async def test_an_answer_while_the_outcome_is_being_recorded_ends_the_waiting(notifier: Notifier) -> None:
    await notifier.receive(report())
    async with notifier.database.transaction() as recording:
        await _settle(notifier, recording, ACCEPTED)
        answering = asyncio.create_task(_answer(notifier))
        await eventually(lambda: _a_transaction_waits(notifier))
    assert await answering
    assert await notifier.rows("select remind_at, escalate_at from awaited_answer") == [(None, None)]
    notifier.clock.turn(timedelta(days=2))
    assert await _sweep(notifier) == (0, 0)


@pytest.mark.policy("S3")
async def test_timers_pass_over_an_alert_that_has_an_answer(notifier: Notifier) -> None:
    await _sent(notifier)
    [alert_id] = await notifier.alert_ids()
    async with notifier.database.transaction() as session:
        await record_answer(session, alert_id, Acknowledgement.CONFIRMED, notifier.clock.now(), outbox=notifier.outbox)
    notifier.clock.turn(timedelta(days=2))
    assert await _sweep(notifier) == (1, 1)
    assert await _sweep(notifier) == (0, 0)
    assert notifier.mail_server.recipients == [GRACE.email]
    assert "alert.escalated.v1" not in await notifier.event_types()


async def test_timers_leave_to_others_what_they_are_working_on(notifier: Notifier) -> None:
    await _sent(notifier)
    notifier.clock.turn(timedelta(days=2))
    async with notifier.database.transaction() as session:
        [alert_id] = await notifier.alert_ids()
        await notifier.acknowledgements.answer(session, alert_id, Acknowledgement.CONFIRMED, notifier.clock.now())
        async with asyncio.timeout(PATIENCE):
            assert await _sweep(notifier) == (0, 0)


@pytest.mark.policy("S3")
@pytest.mark.parametrize("outcome", [REFUSED, ACCEPTED])
async def test_a_reminder_says_nothing_of_its_alert(notifier: Notifier, outcome: SendResult) -> None:
    await _reminded(notifier)
    async with notifier.database.transaction() as session:
        await _settle(notifier, session, outcome)
    assert await notifier.rows(ALERT) == [("sent", None, None)]
    assert await notifier.event_types() == ["alert.decided.v1", "alert.sent.v1"]
    said = "reminder_sent" if outcome is ACCEPTED else "reminder_failed_permanent"
    assert await notifier.scalar(f"select count(*) from alert_history where what = '{said}'") == 1  # noqa: S608 -- ours


@pytest.mark.policy("S3")
async def test_an_answer_drops_the_reminder_that_was_not_sent_yet(notifier: Notifier) -> None:
    await _reminded(notifier)
    assert await _answer(notifier)
    await notifier.deliver_until(notifier.all_settled)
    assert len(notifier.mail_server.mails) == 1
    assert (await notifier.event_types())[-1] == "alert.acknowledged.v1"


@pytest.mark.parametrize("outcome", [BUSY, ACCEPTED])
async def test_an_answer_while_the_reminder_is_being_sent_ends_it(notifier: Notifier, outcome: SendResult) -> None:
    """A reminder on its way cannot be called back; it is not tried again, and does not change the facts."""
    await _reminded(notifier)
    async with notifier.database.transaction() as session:
        attempts = await _claim(notifier, session)
    assert await _answer(notifier)
    async with notifier.database.transaction() as session:
        settled = await delivery.settle(
            session, {a.attempt_id: outcome for a in attempts}, times=TIMES, now=notifier.clock.now()
        )
        await notifier.acknowledgements.settled(session, settled, notifier.clock.now())
    notifier.clock.turn(timedelta(days=1))
    await notifier.deliver_until(notifier.all_settled)
    assert len(notifier.mail_server.mails) == 1
    assert (await notifier.event_types())[-1] == "alert.acknowledged.v1"
    assert await notifier.rows(ALERT) == [("acknowledged", None, "confirmed")]


async def test_a_refusal_after_the_answer_tells_nobody_else(notifier: Notifier) -> None:
    """The message arrived, its dialogue broke, and the server refuses the repeat."""
    await notifier.receive(report())
    assert await _answer(notifier)
    async with notifier.database.transaction() as session:
        await _settle(notifier, session, REFUSED)
    await notifier.deliver_until(notifier.all_settled)
    assert HELEN.email not in notifier.mail_server.recipients


@pytest.mark.policy("S3")
async def test_an_attempt_that_was_taken_after_all_makes_the_alert_sent(notifier: Notifier) -> None:
    """An attempt is left open, the next is refused for good, and then the first turns out to have been taken."""
    await notifier.receive(report())
    now = notifier.clock.now()
    async with notifier.database.transaction() as session:
        [first] = await _claim(notifier, session)
    notifier.clock.turn(TIMES.lease)
    async with notifier.database.transaction() as session:
        await _settle(notifier, session, REFUSED)
    assert await notifier.rows(ALERT) == [("failed", "permanent", None)]
    async with notifier.database.transaction() as session:
        settled = await delivery.settle(session, {first.attempt_id: ACCEPTED}, times=TIMES, now=now)
        await notifier.acknowledgements.settled(session, settled, now)
    assert await notifier.rows(ALERT) == [("sent", None, None)]
    assert (await notifier.event_types())[-1] == "alert.sent.v1"


async def _reminded(notifier: Notifier) -> None:
    """Send the alert, and let its reminder wait to be sent."""
    await _sent(notifier)
    notifier.clock.turn(timedelta(hours=4))
    async with notifier.database.transaction() as session:
        assert await notifier.acknowledgements.remind_due(session, notifier.clock.now()) == 1


async def _claim(notifier: Notifier, session: AsyncSession) -> list[Attempt]:
    return await delivery.claim(
        session, worker=1, limit=1, lease=TIMES.lease, now=notifier.clock.now(), ids=notifier.ids
    )


async def _settle(notifier: Notifier, session: AsyncSession, outcome: SendResult) -> None:
    """Claim the due delivery and let its attempt end like this, all in one transaction."""
    now = notifier.clock.now()
    attempts = await _claim(notifier, session)
    settled = await delivery.settle(session, {a.attempt_id: outcome for a in attempts}, times=TIMES, now=now)
    assert settled
    await notifier.acknowledgements.settled(session, settled, now)


_WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def _a_transaction_waits(notifier: Notifier) -> bool:
    return bool(await notifier.scalar(_WAITING))
