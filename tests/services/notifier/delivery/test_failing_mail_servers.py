"""An email server that refuses, breaks off, is slow or unavailable."""

import asyncio
from datetime import timedelta

import pytest

from services.notifier.delivery.domain import Message, SendResultKind
from services.notifier.delivery.smtp import MailServer, SmtpChannel
from tests.services.notifier.builders import GRACE, HELEN, LUCA, MARGARET, report, suspect
from tests.services.notifier.environment import Notifier, TurnedClock
from tests.services.notifier.mail_server import MailServerForTests

MESSAGE = Message("grace.okafor@example.org", "subject", "text", "<p>text</p>", "<1@example.org>")
OUTCOMES = "select outcome, code, possible_repeat from attempt order by started_at, number"


async def _send(port: int, timeout: timedelta = timedelta(seconds=10)) -> tuple[SendResultKind, int | None, bool]:
    channel = SmtpChannel(MailServer("127.0.0.1", port, "signpost@example.org", timeout=timeout), TurnedClock())
    outcome = await channel.send(MESSAGE)
    await channel.close()
    return outcome.kind, outcome.code, outcome.unsure


@pytest.mark.parametrize(
    ("recipient", "data", "outcome"),
    [
        (["250 OK"], ["250 Kept"], (SendResultKind.ACCEPTED, 250, False)),
        (["450 Mailbox busy"], [], (SendResultKind.TEMPORARY, 450, False)),
        (["550 No such mailbox"], [], (SendResultKind.PERMANENT, 550, False)),
        ([], ["451 Try later"], (SendResultKind.TEMPORARY, 451, False)),
        ([], ["554 Not taken"], (SendResultKind.PERMANENT, 554, False)),
    ],
)
async def test_an_answer_becomes_a_class(
    mail_server: MailServerForTests, recipient: list[str], data: list[str], outcome: tuple[SendResultKind, int, bool]
) -> None:
    mail_server.replies_to_recipient, mail_server.replies_to_data = recipient, data
    assert await _send(mail_server.port) == outcome


async def test_a_sender_that_is_refused_is_our_fault_not_the_recipients(mail_server: MailServerForTests) -> None:
    channel = SmtpChannel(MailServer("127.0.0.1", mail_server.port, "a@example.org", starttls=True), TurnedClock())
    outcome = await channel.send(MESSAGE)
    assert outcome.kind is SendResultKind.TECHNICAL
    assert mail_server.mails == []


async def test_nobody_listening_is_temporary_and_certainly_not_sent() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert await _send(port) == (SendResultKind.TEMPORARY, None, False)


async def test_a_dialogue_cut_after_the_message_may_have_been_taken(mail_server: MailServerForTests) -> None:
    mail_server.drops_before_answering = 1
    assert await _send(mail_server.port) == (SendResultKind.TEMPORARY, None, True)


async def test_a_server_that_never_answers_is_left_in_time(mail_server: MailServerForTests) -> None:
    mail_server.holds = asyncio.Event()
    assert await _send(mail_server.port, timeout=timedelta(seconds=5)) == (SendResultKind.TEMPORARY, None, True)
    mail_server.holds.set()


async def test_a_connection_is_used_again_and_replaced_when_it_has_died(mail_server: MailServerForTests) -> None:
    channel = SmtpChannel(MailServer("127.0.0.1", mail_server.port, "signpost@example.org"), TurnedClock())
    assert (await channel.send(MESSAGE)).kind is SendResultKind.ACCEPTED
    [(_, client)] = channel._idle
    client.close()
    assert (await channel.send(MESSAGE)).kind is SendResultKind.ACCEPTED
    assert len(mail_server.mails) == 2
    await channel.close()


@pytest.mark.policy("S3")
async def test_a_temporary_refusal_is_tried_again_and_is_no_repeat(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["450 Busy"]
    await notifier.receive(report())
    await notifier.deliver_until(lambda: _count(notifier, "attempt where ended_at is not null", 1))
    assert notifier.mail_server.mails == []
    notifier.clock.turn(timedelta(seconds=2))
    await notifier.deliver_until(notifier.all_settled)
    [mail] = notifier.mail_server.mails
    assert mail["X-Signpost-Possible-Repeat"] is None
    assert await notifier.rows(OUTCOMES) == [("temporary", 450, False), ("accepted", 250, False)]
    assert await notifier.event_types() == ["alert.decided.v1", "alert.failed.v1", "alert.sent.v1"]


@pytest.mark.policy("S3")
async def test_a_cut_dialogue_is_repeated_with_the_same_message_id_and_marked(notifier: Notifier) -> None:
    notifier.mail_server.drops_before_answering = 1
    await notifier.receive(report())
    await notifier.deliver_until(lambda: _count(notifier, "attempt where ended_at is not null", 1))
    notifier.clock.turn(timedelta(seconds=2))
    await notifier.deliver_until(notifier.all_settled)
    first, second = notifier.mail_server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert (first["X-Signpost-Possible-Repeat"], second["X-Signpost-Possible-Repeat"]) == (None, "yes")


@pytest.mark.policy("S3")
async def test_a_mailbox_that_does_not_exist_is_passed_up_at_once(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["550 No such mailbox"]
    await notifier.receive(report())
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [HELEN.email]
    assert await notifier.event_types() == [
        "alert.decided.v1",
        "alert.failed.v1",
        "alert.escalated.v1",
        "alert.sent.v1",
    ]
    assert await notifier.rows("select state, reason from alert order by escalated_from nulls first") == [
        ("failed", "reporters_manager"),
        ("sent", "escalated_undeliverable"),
    ]


async def test_passing_up_skips_whom_the_report_suspects(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["550 No such mailbox"]
    await notifier.receive(report(suspected=[suspect(HELEN)]))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [MARGARET.email]
    assert GRACE.email not in notifier.mail_server.recipients


async def test_the_last_resort_is_never_given_up(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["550 No such mailbox"]
    await notifier.receive(report(reporter=LUCA))
    await notifier.deliver_until(lambda: _count(notifier, "attempt where ended_at is not null", 1))
    notifier.clock.turn(timedelta(hours=1))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == ["kcis-desk@example.org"]


async def test_a_long_outage_is_given_up_for_the_next_in_the_chain(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["450 Busy", "450 Busy"]
    await notifier.receive(report())
    await notifier.deliver_until(lambda: _count(notifier, "attempt where ended_at is not null", 1))
    notifier.clock.turn(timedelta(hours=12))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [HELEN.email]


async def _count(notifier: Notifier, what: str, expected: int) -> bool:
    return await notifier.scalar(f"select count(*) from {what}") == expected  # noqa: S608 -- a constant of this file
