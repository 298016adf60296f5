"""From a report to the manager's mailbox."""

import asyncio
from datetime import timedelta

import pytest

from shared.events.vocabulary import Behaviour
from shared.observability import metrics
from tests.services.notifier.builders import GRACE, LUCA, PRIYA, report
from tests.services.notifier.environment import PATIENCE, Notifier, eventually
from tests.services.notifier.mail_server import text_of


@pytest.mark.policy("S3", "R-c")
async def test_the_reporters_manager_gets_one_mail(notifier: Notifier) -> None:
    await notifier.receive(report())
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [GRACE.email]
    assert await notifier.event_types() == ["alert.decided.v1", "alert.sent.v1"]


@pytest.mark.policy("S3")
async def test_a_mail_has_six_lines_no_name_and_no_narrative(notifier: Notifier) -> None:
    await notifier.receive(report(behaviours=[Behaviour.DOXING]))
    await notifier.deliver_until(notifier.all_settled)
    [mail] = notifier.mail_server.mails
    lines = [line for line in text_of(mail).splitlines() if line]
    assert len(lines) == 6
    assert lines[0] == "Someone you manage has reported social media abuse."
    assert lines[1] == "Reference: SP-0000-0000"
    assert lines[2] == "How urgent: act today."
    assert lines[4].startswith("Tell us that you have seen this: http://127.0.0.1:8000/alerts/acknowledge/")
    for private in ("NARRATIVE-CANARY", *PRIYA.name.split(), PRIYA.staff_id, PRIYA.email, GRACE.name):
        assert private.encode() not in mail.as_bytes().replace(b"To: grace.okafor@example.org", b"")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Signpost-Possible-Repeat"] is None
    html = mail.get_body(preferencelist=("html",))
    assert html
    assert lines[0] in html.get_content()


@pytest.mark.policy("Sc-a")
async def test_without_a_line_manager_the_fallback_is_told_and_it_is_recorded(notifier: Notifier) -> None:
    await notifier.receive(report(reporter=LUCA))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == ["kcis-desk@example.org"]
    assert await notifier.rows("select reason, anybody from decision") == [("fallback_no_manager_known", True)]


@pytest.mark.policy("S3")
async def test_nobody_is_a_decision_too_and_sends_nothing(notifier: Notifier) -> None:
    await notifier.receive(report(manager_alert="ask_me_first"), report(found_by="monitoring"))
    assert await notifier.event_types() == ["alert.decided.v1"] * 3  # for a monitoring report no one is alerted either
    assert await notifier.scalar("select count(*) from delivery") == 0


async def test_a_report_that_comes_twice_is_decided_once(notifier: Notifier) -> None:
    same = report()
    await notifier.receive(same)
    await notifier.receive(same)
    assert await notifier.event_types() == ["alert.decided.v1"]
    assert await notifier.scalar("select count(*) from delivery") == 1


async def test_the_loop_wakes_at_the_commit_and_does_not_wait_for_its_next_look(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notifier.delivery.loop._LOOK_EVERY", 3600.0)
    stop = asyncio.Event()
    running = asyncio.create_task(notifier.loop().run(stop))
    await eventually(lambda: _listens(notifier))
    await notifier.receive(report())
    async with asyncio.timeout(PATIENCE):
        await notifier.mail_server.arrived.wait()
    stop.set()
    await running


async def _listens(notifier: Notifier) -> bool:
    """Return whether a process that has sent its heartbeat has begun to listen, or is past that."""
    beyond = (
        "select count(*) from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' "
        "and datname = current_database() and query not ilike '%pg_advisory_lock%'"
    )
    return await notifier.scalar(beyond) != 0


async def test_two_loops_never_send_the_same_alert(notifier: Notifier) -> None:
    await notifier.receive(*(report() for _ in range(60)))
    await notifier.deliver_until(notifier.all_settled, notifier.loop(), notifier.loop(), notifier.loop())
    assert len(notifier.mail_server.mails) == 60
    assert len({mail["Message-ID"] for mail in notifier.mail_server.mails}) == 60
    assert await notifier.scalar("select count(*) from attempt") == 60


async def test_every_attempt_is_counted_and_the_seconds_since_the_report_are_measured(notifier: Notifier) -> None:
    attempts = metrics.MAIL_ATTEMPTS.labels("email", "accepted")
    before = attempts._value.get(), metrics.ALERT_SECONDS._sum.get()
    await notifier.receive(report(submitted_at=notifier.clock.now() - timedelta(seconds=30)))
    await notifier.deliver_until(notifier.all_settled)
    assert (attempts._value.get() - before[0], metrics.ALERT_SECONDS._sum.get() - before[1]) == (1, 30)


async def test_a_clock_that_is_set_back_holds_no_new_alert_up(notifier: Notifier) -> None:
    await notifier.receive(report())
    notifier.clock.turn(timedelta(hours=-1))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [GRACE.email]


async def test_a_clock_that_is_set_back_by_days_holds_no_second_attempt_up(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["450 Mailbox busy"]
    await notifier.receive(report())
    await notifier.deliver_until(lambda: _tried_once(notifier))
    notifier.clock.turn(timedelta(days=-2))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [GRACE.email]


async def _tried_once(notifier: Notifier) -> bool:
    return await notifier.scalar("select count(*) from delivery where state = 'waiting' and attempts = 1") == 1
