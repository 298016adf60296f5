"""What notifier tells the others: who was chosen, and what became of each alert. No names, no addresses."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import Acknowledgement, AlertPurpose, FailureKind, Open, RecipientReason


class _AlertEvent(Event):
    TOPIC: ClassVar[str] = topics.ALERTS.name

    alert_id: UUID
    report_id: UUID
    at: AwareDatetime


class AlertDecided(_AlertEvent):
    """Who is told about a report and why, or that nobody is. One fact per choice; `alert_id` names the choice."""

    TYPE: ClassVar[str] = "alert.decided.v1"
    purpose: Open[AlertPurpose]
    reason: Open[RecipientReason]
    anybody: bool
    """False where nobody is told."""


class AlertSent(_AlertEvent):
    """The provider accepted the alert."""

    TYPE: ClassVar[str] = "alert.sent.v1"
    channel: str
    attempt: int
    possible_repeat: bool = False


class AlertFailed(_AlertEvent):
    """An attempt failed. `permanent` ends it; the others are tried again until the configured time to give up."""

    TYPE: ClassVar[str] = "alert.failed.v1"
    channel: str
    attempt: int
    kind: Open[FailureKind]


class AlertAcknowledged(_AlertEvent):
    """The recipient answered."""

    TYPE: ClassVar[str] = "alert.acknowledged.v1"
    answer: Open[Acknowledgement]


class AlertEscalated(_AlertEvent):
    """Nobody answered in time, or the answer was not a yes: the next in the chain is told."""

    TYPE: ClassVar[str] = "alert.escalated.v1"
    to_alert_id: UUID
    reason: Open[RecipientReason]


NOTIFIER_EVENTS: tuple[type[Event], ...] = (AlertDecided, AlertSent, AlertFailed, AlertAcknowledged, AlertEscalated)
