"""What becomes of a delivery after each attempt. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.events.vocabulary import FailureKind
from shared.ids import AlertId, ReportId

_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=10)
_DOUBLINGS = 10
_LAST_RESORT_WAIT = timedelta(hours=1)
NO_WAIT_IS_LONGER = max(_LONGEST_WAIT, _LAST_RESORT_WAIT)
"""What waits longer was told so by a clock that has since been set back."""


class DeliveryKind(StrEnum):
    """What is being delivered: an alert and its reminder at most once each; a summary stands for several alerts."""

    ALERT = "alert"
    REMINDER = "reminder"
    SUMMARY = "summary"


class DeliveryState(StrEnum):
    """Where a delivery is."""

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    ENDED = "ended"
    """The provider will not take it, or did not in the time allowed."""


class OutcomeKind(StrEnum):
    """How one attempt ended."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    TECHNICAL = "technical"
    """Our side is broken: sender refused, sign-in refused, no TLS. Mended by an operator, so it is tried again."""
    ABANDONED = "abandoned"
    """Left open by a crash: nobody knows whether the provider took it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a channel says of one attempt."""

    kind: OutcomeKind
    code: int | None = None
    """The provider's own number (an SMTP reply code)."""
    unsure: bool = False
    """The dialogue broke after the message was handed over: the provider may have it, so the next is a repeat."""
    provider_id: str | None = None
    """What the provider calls the message, where it says so: later receipts name it."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends: rendered, for one recipient."""

    recipient: str
    subject: str
    text: str
    html: str
    message_id: str
    """The same for every attempt, so that a mail program can drop a repeat."""
    in_reply_to: str | None = None
    possible_repeat: bool = False


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """What is to be delivered, and the facts that its text is made from."""

    delivery_id: UUID
    alert_id: AlertId
    """Of a summary: an id of its own."""
    report_id: ReportId | None
    """None where it is about no report, or about several."""
    kind: DeliveryKind
    channel: str
    recipient: str
    notice: Mapping[str, str]
    last_resort: bool
    """Nobody would be told after this one: never given up."""
    asked_at: datetime
    """When what it tells of happened: a report was submitted, a reminder fell due."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claimed attempt: stored and committed before anything is sent."""

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
    """What the rest of notifier learns of an attempt's end."""

    alert_id: AlertId
    report_id: ReportId | None
    kind: DeliveryKind
    channel: str
    attempt: int
    outcome: OutcomeKind
    possible_repeat: bool
    asked_at: datetime
    ended: bool
    """Nothing more will be tried for this delivery, and it was not accepted."""
    afterwards: bool = False
    """The provider had accepted it, and says only now that it failed."""

    @property
    def failure(self) -> FailureKind | None:
        """The failure's class; None where the provider accepted."""
        return None if self.outcome is OutcomeKind.ACCEPTED else FailureKind(self.outcome.value)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do after an attempt: try again at `due_at`, or nothing more."""

    state: DeliveryState
    due_at: datetime | None


def next_step(
    outcome: OutcomeKind,
    *,
    number: int,
    first_tried_at: datetime,
    now: datetime,
    give_up_after: timedelta,
    last_resort: bool,
) -> NextStep:
    """Decide what follows the `number`th attempt (from 1).

    A refusal for good ends the delivery, so that the next in the chain is told at once; so does a long outage. The last
    resort has nobody after it and is tried again each hour until it is taken.
    """
    if outcome is OutcomeKind.ACCEPTED:
        return NextStep(DeliveryState.ACCEPTED, None)
    hopeless = outcome is OutcomeKind.PERMANENT or now - first_tried_at >= give_up_after
    if hopeless and not last_resort:
        return NextStep(DeliveryState.ENDED, None)
    return NextStep(DeliveryState.WAITING, now + (_LAST_RESORT_WAIT if hopeless else wait_after(number)))


def wait_after(number: int) -> timedelta:
    """Return the wait after the `number`th failed attempt: 2 s, doubled each time, 10 minutes at most."""
    return min(_FIRST_WAIT * (1 << min(number - 1, _DOUBLINGS)), _LONGEST_WAIT)
