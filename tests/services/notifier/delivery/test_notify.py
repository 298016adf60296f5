"""Messages by GOV.UK Notify: what it accepts, what it refuses, and a repeat that is recognised."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.notifier.delivery.domain import Message, MessageClass, SendResult, SendResultKind
from tests.services.notifier.builders import GRACE, report
from tests.services.notifier.environment import Notifier
from tests.services.notifier.notify_server import NotifyForTests, running_notify

MESSAGE = Message(
    recipient="grace.okafor@example.org",
    subject="Social media abuse reported, SP-0000-0010",
    text="Six lines",
    html="<p>Six lines</p>",
    message_id="<alert-1.alert@example.org>",
)


@pytest.fixture
async def notify() -> AsyncIterator[NotifyForTests]:
    async with running_notify() as server:
        yield server


async def test_notify_is_given_the_message_and_our_reference(notify: NotifyForTests) -> None:
    outcome = await notify.channel().send(MESSAGE)
    [taken] = notify.taken
    assert (outcome.kind, outcome.provider_id) == (SendResultKind.ACCEPTED, taken["id"])
    assert taken["email_address"] == MESSAGE.recipient
    assert taken["reference"] == "alert-1.alert"
    assert taken["personalisation"] == {"subject": MESSAGE.subject, "body": MESSAGE.text}


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ((400, "ValidationError", "email_address Not a valid email address"), SendResultKind.PERMANENT),
        ((400, "BadRequestError", "Can't send to this recipient using a team-only API key"), SendResultKind.TECHNICAL),
        ((400, "BadRequestError", "Template not found"), SendResultKind.TECHNICAL),
        ((403, "AuthError", "Invalid token: API key not found"), SendResultKind.TECHNICAL),
        ((429, "RateLimitError", "Exceeded rate limit"), SendResultKind.TEMPORARY),
        ((429, "TooManyRequestsError", "Exceeded send limits"), SendResultKind.TEMPORARY),
        ((500, "Exception", "Internal server error"), SendResultKind.TEMPORARY),
        ((503, "Exception", "Unavailable"), SendResultKind.TEMPORARY),
    ],
)
async def test_each_refusal_is_what_notify_documents(
    notify: NotifyForTests, refusal: tuple[int, str, str], kind: SendResultKind
) -> None:
    notify.refusals.append(refusal)
    outcome = await notify.channel().send(MESSAGE)
    assert (outcome.kind, outcome.code, outcome.unsure) == (kind, refusal[0], refusal[0] >= 500)
    assert notify.taken == []


async def test_a_cut_answer_is_not_sent_twice_because_notify_is_asked_first(notify: NotifyForTests) -> None:
    notify.cuts_after_taking = 1
    first = await notify.channel().send(MESSAGE)
    assert first == SendResult(SendResultKind.TEMPORARY, unsure=True)
    second = await notify.channel().send(replace(MESSAGE, possible_repeat=True))
    assert second.kind is SendResultKind.ACCEPTED
    assert len(notify.taken) == 1
    assert second.provider_id == notify.taken[0]["id"]


async def test_a_repeat_of_what_notify_does_not_know_is_sent(notify: NotifyForTests) -> None:
    await notify.channel().send(replace(MESSAGE, possible_repeat=True))
    assert len(notify.taken) == 1


async def test_what_notify_failed_to_deliver_is_sent_again(notify: NotifyForTests) -> None:
    notify.take({"reference": "alert-1.alert", "status": "technical-failure"})
    await notify.channel().send(replace(MESSAGE, possible_repeat=True))
    assert len(notify.taken) == 2


async def test_a_notify_that_is_away_is_tried_again() -> None:
    unavailable = NotifyForTests(port=9)
    outcome = await unavailable.channel(timedelta(seconds=1)).send(MESSAGE)
    assert (outcome.kind, outcome.unsure) == (SendResultKind.TEMPORARY, True)


@pytest.mark.policy("S3")
async def test_a_class_of_messages_leaves_by_notify_where_that_is_set(
    notifier: Notifier, notify: NotifyForTests
) -> None:
    chosen = replace(notifier, by_notify=frozenset({MessageClass.MANAGER}))
    await chosen.receive(report())
    await chosen.deliver_until(chosen.all_settled, chosen.loop(notify.channel()))
    assert [message["email_address"] for message in notify.taken] == [GRACE.email]
    assert await chosen.rows("select state, channel from alert") == [("sent", "notify")]
    assert notifier.mail_server.mails == []
