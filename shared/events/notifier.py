"""What notifier tells the others: who was chosen, and what became of each alert. No names, no addresses."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import Acknowledgement, AlertPurpose, FailureKind, ManagerAction, Open, RecipientReason


class _AlertEvent(Event):
    TOPIC: ClassVar[str] = topics.ALERTS.name

    alert_id: UUID
    report_id: UUID
    at: AwareDatetime
    purpose: Open[AlertPurpose] | None = None
    """Why someone is told; None from a writer that did not say: then it is a report of abuse."""


class AlertDecided(_AlertEvent):
    """Who is told about a report and why, or that no one is. One event per choice.

    `alert_id` identifies the choice, also where no one is told and no alert follows.
    """

    TYPE: ClassVar[str] = "alert.decided.v1"
    purpose: Open[AlertPurpose]
    reason: Open[RecipientReason]
    anybody: bool
    """False where no one is told."""


class AlertSent(_AlertEvent):
    """The provider accepted the alert."""

    TYPE: ClassVar[str] = "alert.sent.v1"
    channel: str
    attempt: int
    possible_repeat: bool = False


class AlertDelivered(_AlertEvent):
    """The provider says that the alert arrived. Only a channel with receipts can say so; email by SMTP cannot."""

    TYPE: ClassVar[str] = "alert.delivered.v1"
    channel: str


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
    """No one answered in time, or the answer was not a yes: the next in the chain is told."""

    TYPE: ClassVar[str] = "alert.escalated.v1"
    to_alert_id: UUID
    reason: Open[RecipientReason]


class _ManagerEvent(Event):
    TOPIC: ClassVar[str] = topics.ALERTS.name

    case_id: UUID
    report_id: UUID
    at: AwareDatetime


class ManagerAssigned(_ManagerEvent):
    """Who works a misuse case: the subject's manager (R-d), or no one, and then the triage desk decides."""

    TYPE: ClassVar[str] = "manager.assigned.v1"
    manager: str | None = None
    """Staff id; None where the directory knows no one who may. None is not written, so the field is optional."""
    reason: Open[RecipientReason]


class ManagerActionRecorded(_ManagerEvent):
    """The manager recorded what was done: category and date, nothing else (R-d)."""

    TYPE: ClassVar[str] = "manager_action.recorded.v1"
    manager: str
    """Staff id."""
    action: Open[ManagerAction]
    acted_on: date


class SirtReferralRequested(_ManagerEvent):
    """The manager refers the case to SIRT (R-c: if required)."""

    TYPE: ClassVar[str] = "sirt_referral.requested.v1"
    manager: str
    """Staff id."""


NOTIFIER_EVENTS: tuple[type[Event], ...] = (
    AlertDecided,
    AlertSent,
    AlertDelivered,
    AlertFailed,
    AlertAcknowledged,
    AlertEscalated,
    ManagerAssigned,
    ManagerActionRecorded,
    SirtReferralRequested,
)
