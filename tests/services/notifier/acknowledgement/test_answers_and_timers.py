"""An answer, an outcome, a reminder and a timer that meet: the answer stands, and nothing follows it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.handlers import record_answer
from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.domain import Attempt, SendResult, SendResultKind
from services.notifier.delivery.handlers import DeliveryTimes
from shared.events.vocabulary import Acknowledgement
from tests.services.notifier.building import GRACE, HELEN, report
from tests.services.notifier.notifying import PATIENCE, Notifier, eventually

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
        await eventually(lambda: _somebody_waits(notifier))
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
    """A reminder that is on its way cannot be called back; it is not tried again, and adds nothing to the facts."""
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
    """The mail arrived, its dialogue broke, and the server refuses the repeat."""
    await notifier.receive(report())
    assert await _answer(notifier)
    async with notifier.database.transaction() as session:
        await _settle(notifier, session, REFUSED)
    await notifier.deliver_until(notifier.all_settled)
    assert HELEN.email not in notifier.mail_server.recipients


@pytest.mark.policy("S3")
async def test_an_attempt_that_was_taken_after_all_makes_the_alert_sent(notifier: Notifier) -> None:
    """An attempt left open, the next is refused for good, and then the first turns out to have been taken."""
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


async def _sent(notifier: Notifier) -> None:
    await notifier.receive(report())
    await notifier.deliver_until(notifier.all_settled)


async def _reminded(notifier: Notifier) -> None:
    """Send the alert, and let its reminder wait to be sent."""
    await _sent(notifier)
    notifier.clock.turn(timedelta(hours=4))
    async with notifier.database.transaction() as session:
        assert await notifier.acknowledgements.remind_due(session, notifier.clock.now()) == 1


async def _sweep(notifier: Notifier) -> tuple[int, int]:
    async with notifier.database.transaction() as session:
        reminded = await notifier.acknowledgements.remind_due(session, notifier.clock.now())
    async with notifier.database.transaction() as session:
        escalated = await notifier.acknowledgements.escalate_due(session, notifier.clock.now())
    await notifier.deliver_until(notifier.all_settled)
    return reminded, escalated


async def _claim(notifier: Notifier, session: AsyncSession) -> list[Attempt]:
    return await delivery.claim(
        session, worker=1, limit=1, lease=TIMES.lease, now=notifier.clock.now(), ids=notifier.ids
    )


async def _settle(notifier: Notifier, session: AsyncSession, outcome: SendResult) -> None:
    """Claim what is due and let its attempt end like this, all in one transaction."""
    now = notifier.clock.now()
    attempts = await _claim(notifier, session)
    settled = await delivery.settle(session, {a.attempt_id: outcome for a in attempts}, times=TIMES, now=now)
    assert settled
    await notifier.acknowledgements.settled(session, settled, now)


async def _answer(notifier: Notifier) -> bool:
    [alert_id, *_] = await notifier.alert_ids()
    async with notifier.database.transaction() as session:
        return await notifier.acknowledgements.answer(
            session, alert_id, Acknowledgement.CONFIRMED, notifier.clock.now()
        )


_WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def _somebody_waits(notifier: Notifier) -> bool:
    return bool(await notifier.scalar(_WAITING))
