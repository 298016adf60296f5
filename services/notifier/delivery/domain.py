"""Messages, the results of attempts to send them, and what follows. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, Self
from uuid import UUID

from shared.events.vocabulary import AlertPurpose, FailureKind
from shared.ids import AlertId, ReportId


class Urgency(StrEnum):
    """How soon the reader should act; our choice."""

    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"
    """It can wait for the next digest."""


class RecipientRole(StrEnum):
    """Why this person gets the message; it determines the words."""

    MANAGER = "manager"
    NAMED = "named"
    CHOSEN = "chosen"
    NEXT_UP = "next_up"
    DESK = "desk"
    TEAM = "team"
    LEAD = "lead"
    RESPONDER = "responder"
    """Has the case, or a task of it."""
    REPORTER = "reporter"
    MISUSE_REPORTER = "misuse_reporter"
    """Learns only that the work is finished, or was looked at again."""
    AFFECTED = "affected"
    OWNER = "owner"
    OPERATOR = "operator"
    COMMS = "comms"


class MessageClass(StrEnum):
    """Who a message is for. GOV.UK Notify is switched on per class."""

    MANAGER = "manager"
    TEAM = "team"
    REPORTER = "reporter"
    ACCOUNT = "account"


CLASS_OF: Mapping[AlertPurpose, MessageClass] = {
    AlertPurpose.ABUSE_REPORTED: MessageClass.MANAGER,
    AlertPurpose.MISUSE_REPORTED: MessageClass.MANAGER,
    AlertPurpose.MISUSE_ASSIGNED: MessageClass.MANAGER,
    AlertPurpose.MISDIRECTED: MessageClass.TEAM,
    AlertPurpose.URGENT_CASE: MessageClass.TEAM,
    AlertPurpose.DEADLINE_AT_RISK: MessageClass.TEAM,
    AlertPurpose.DEADLINE_MISSED: MessageClass.TEAM,
    AlertPurpose.REPORTER_REPLIED: MessageClass.TEAM,
    AlertPurpose.REVIEW_ASKED: MessageClass.TEAM,
    AlertPurpose.SHIFT_CHANGED: MessageClass.TEAM,
    AlertPurpose.CASE_ASSIGNED: MessageClass.TEAM,
    AlertPurpose.TASK_GIVEN: MessageClass.TEAM,
    AlertPurpose.CASE_HANDED_OVER: MessageClass.TEAM,
    AlertPurpose.MORE_CONTENT_ASKED: MessageClass.TEAM,
    AlertPurpose.SECOND_REVIEW_WAITING: MessageClass.TEAM,
    AlertPurpose.REPORT_MOVED: MessageClass.REPORTER,
    AlertPurpose.QUESTION_ASKED: MessageClass.REPORTER,
    AlertPurpose.MESSAGE_SENT: MessageClass.REPORTER,
    AlertPurpose.REPORT_FINISHED: MessageClass.REPORTER,
    AlertPurpose.OUTCOME_REVIEWED: MessageClass.REPORTER,
    AlertPurpose.ABUSE_FOUND: MessageClass.REPORTER,
    AlertPurpose.ACCOUNT_TAKEN_OVER: MessageClass.ACCOUNT,
    AlertPurpose.ACCESS_GRANTED: MessageClass.ACCOUNT,
    AlertPurpose.ACCESS_WITHDRAWN: MessageClass.ACCOUNT,
    AlertPurpose.REVIEW_DUE: MessageClass.ACCOUNT,
    AlertPurpose.EXCEPTION_EXPIRED: MessageClass.ACCOUNT,
}
"""Every purpose that sends a message; the others only record why no one is alerted."""

ASKS = frozenset({AlertPurpose.ABUSE_REPORTED, AlertPurpose.MISUSE_REPORTED, AlertPurpose.MISUSE_ASSIGNED})
"""Purposes that ask the recipient to acknowledge."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The facts for a message's text: never a name, never what was written."""

    reference: str
    urgency: Urgency
    role: RecipientRole
    purpose: AlertPurpose = AlertPurpose.ABUSE_REPORTED
    page: str = ""
    """The path of the link, if the message asks for no acknowledgement."""

    def stored(self) -> dict[str, str]:
        """Return the facts in the form stored with the delivery."""
        return {
            "reference": self.reference,
            "urgency": self.urgency.value,
            "standing": self.role.value,
            "purpose": self.purpose.value,
            "page": self.page,
        }

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> Self:
        """Read what `stored` returned; deliveries from before there were purposes are about abuse."""
        return cls(
            stored["reference"],
            Urgency(stored["urgency"]),
            RecipientRole(stored["standing"]),
            AlertPurpose(stored.get("purpose", AlertPurpose.ABUSE_REPORTED)),
            stored.get("page", ""),
        )


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """One alert of a summary."""

    alert_id: AlertId
    notice: Notice


def stored_items(items: Sequence[SummaryItem]) -> dict[str, str]:
    """Return `items` in the form stored with a delivery."""
    return {"items": json.dumps([[str(item.alert_id), item.notice.stored()] for item in items])}


def read_items(stored: Mapping[str, str]) -> list[SummaryItem]:
    """Read what `stored_items` returned."""
    return [
        SummaryItem(AlertId(UUID(alert_id)), Notice.read(notice)) for alert_id, notice in json.loads(stored["items"])
    ]


_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=10)
_DOUBLINGS = 10
_LAST_RESORT_WAIT = timedelta(hours=1)
NO_WAIT_IS_LONGER = max(_LONGEST_WAIT, _LAST_RESORT_WAIT)
"""No delivery waits longer. Where `due_at` is further away, the clock was set back after it was written."""


class DeliveryKind(StrEnum):
    """What is delivered: an alert and its reminder at most once each; a summary stands for several alerts."""

    ALERT = "alert"
    REMINDER = "reminder"
    SUMMARY = "summary"


class DeliveryState(StrEnum):
    """The state of a delivery."""

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    ENDED = "ended"
    """The provider refused it, or did not accept it in the time allowed."""


class SendResultKind(StrEnum):
    """The result of one attempt."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    TECHNICAL = "technical"
    """A fault on our side: sender refused, sign-in refused, no TLS. An operator must fix it, so it is retried."""
    ABANDONED = "abandoned"
    """Left open by a crash: it is unknown whether the provider accepted it."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """A channel's report on one attempt."""

    kind: SendResultKind
    code: int | None = None
    """The provider's code (an SMTP reply code)."""
    unsure: bool = False
    """Whether the connection broke after the message was handed over, so that the next attempt may be a repeat."""
    provider_id: str | None = None
    """The provider's id of the message, if it gives one; later receipts name it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message for one recipient."""

    recipient: str
    subject: str
    text: str
    html: str
    message_id: str
    """The same for every attempt, so that an email program can drop a repeat."""
    in_reply_to: str | None = None
    possible_repeat: bool = False


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message to deliver, and the facts for its text."""

    delivery_id: UUID
    alert_id: AlertId
    """For a summary: its own id."""
    report_id: ReportId | None
    """None if it is about no report, or about several."""
    kind: DeliveryKind
    channel: str
    recipient: str
    notice: Mapping[str, str]
    last_resort: bool
    """Whether it is retried without end, because no one comes after this recipient."""
    asked_at: datetime
    """When its event happened: a report was submitted, a reminder became due."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claimed attempt, stored and committed before anything is sent."""

    attempt_id: UUID
    delivery_id: UUID
    alert_id: AlertId
    report_id: ReportId | None
    kind: DeliveryKind
    channel: str
    recipient: str
    notice: Mapping[str, str]
    number: int
    possible_repeat: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What the rest of notifier gets about a finished attempt."""

    alert_id: AlertId
    report_id: ReportId | None
    kind: DeliveryKind
    channel: str
    attempt: int
    result: SendResultKind
    possible_repeat: bool
    asked_at: datetime
    ended: bool
    """Whether the delivery failed for good: it was not accepted, and there will be no more attempts."""
    afterwards: bool = False
    """Whether the provider had accepted it, and reports only now that it failed."""

    @property
    def failure(self) -> FailureKind | None:
        """The failure's class; None if the provider accepted it."""
        return None if self.result is SendResultKind.ACCEPTED else FailureKind(self.result.value)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do after an attempt: try again at `due_at`, or nothing more."""

    state: DeliveryState
    due_at: datetime | None


def next_step(
    result: SendResultKind,
    *,
    number: int,
    first_tried_at: datetime,
    now: datetime,
    give_up_after: timedelta,
    last_resort: bool,
) -> NextStep:
    """Decide what follows the `number`th attempt (from 1).

    A permanent refusal ends the delivery, so that the next in the chain is alerted at once; so does a long outage. The
    last resort has no one after it, and is retried each hour until it is accepted.
    """
    if result is SendResultKind.ACCEPTED:
        return NextStep(DeliveryState.ACCEPTED, None)
    hopeless = result is SendResultKind.PERMANENT or now - first_tried_at >= give_up_after
    if hopeless and not last_resort:
        return NextStep(DeliveryState.ENDED, None)
    return NextStep(DeliveryState.WAITING, now + (_LAST_RESORT_WAIT if hopeless else wait_after(number)))


def wait_after(number: int) -> timedelta:
    """Return the wait after the `number`th failed attempt: 2 s, doubled each time, 10 minutes at most."""
    return min(_FIRST_WAIT * (1 << min(number - 1, _DOUBLINGS)), _LONGEST_WAIT)


class Channel(Protocol):
    """A way to reach a recipient."""

    name: str

    async def send(self, message: Message) -> SendResult:
        """Try once, within a bounded time. Never raises: the result says what went wrong."""
        ...

    async def close(self) -> None: ...
