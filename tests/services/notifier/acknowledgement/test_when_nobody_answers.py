"""One reminder, one escalation."""

from datetime import timedelta

import pytest

from services.notifier.directory.domain import StaffMember
from shared.events.vocabulary import Acknowledgement
from tests.services.notifier.building import GRACE, HELEN, LUCA, PRIYA, report
from tests.services.notifier.notifying import Notifier


async def _sent(notifier: Notifier, reporter: StaffMember = PRIYA) -> None:
    await notifier.receive(report(reporter=reporter))
    await notifier.deliver_until(notifier.all_settled)


async def _sweep(notifier: Notifier) -> tuple[int, int]:
    """Do what is due now, as the sweeps do; returns how many reminders and escalations were due."""
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
    """A fast reader answers while the loop still writes down that the mail was taken."""
    await notifier.receive(report())
    await _answer(notifier, Acknowledgement.CONFIRMED)
    await notifier.deliver_until(notifier.all_settled)
    assert await notifier.scalar("select count(*) from awaited_answer") == 0
    assert await notifier.rows("select state from alert") == [("acknowledged",)]


async def _answer(notifier: Notifier, answer: Acknowledgement) -> bool:
    [alert_id, *_] = await notifier.alert_ids()
    async with notifier.database.transaction() as session:
        return await notifier.acknowledgements.answer(session, alert_id, answer, notifier.clock.now())
