"""The events of notifier: who was chosen, what happened to each alert, and who works here.

Only `StaffListed`, on a restricted topic of its own, has names; no event has addresses.
"""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import Acknowledgement, AlertPurpose, FailureKind, ManagerAction, Open, RecipientReason


class _AlertEvent(Event):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ALERTS.name,)

    alert_id: UUID
    report_id: UUID
    at: AwareDatetime
    purpose: Open[AlertPurpose] | None = None
    """Why someone is alerted; None from older writers, which alerted only about abuse."""


class AlertDecided(_AlertEvent):
    """Who is alerted about a report and why, or that no one is. One event per choice.

    `alert_id` identifies the choice, even if no one is alerted.
    """

    TYPE: ClassVar[str] = "alert.decided.v1"
    purpose: Open[AlertPurpose]
    reason: Open[RecipientReason]
    anybody: bool
    """False if no one is alerted."""


class AlertSent(_AlertEvent):
    """The provider accepted the alert."""

    TYPE: ClassVar[str] = "alert.sent.v1"
    channel: str
    attempt: int
    possible_repeat: bool = False


class AlertDelivered(_AlertEvent):
    """The provider says that the alert arrived. Only channels with receipts can say so; email by SMTP cannot."""

    TYPE: ClassVar[str] = "alert.delivered.v1"
    channel: str


class AlertFailed(_AlertEvent):
    """An attempt failed. A `permanent` failure is final; others are retried until the configured time to give up."""

    TYPE: ClassVar[str] = "alert.failed.v1"
    channel: str
    attempt: int
    kind: Open[FailureKind]


class AlertAcknowledged(_AlertEvent):
    """The recipient answered the alert."""

    TYPE: ClassVar[str] = "alert.acknowledged.v1"
    answer: Open[Acknowledgement]


class AlertEscalated(_AlertEvent):
    """No one answered in time, or the answer was not yes: the next person in the chain is alerted."""

    TYPE: ClassVar[str] = "alert.escalated.v1"
    to_alert_id: UUID
    reason: Open[RecipientReason]


class _ManagerEvent(Event):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ALERTS.name,)

    case_id: UUID
    report_id: UUID
    at: AwareDatetime


class ManagerAssigned(_ManagerEvent):
    """Who works on a misuse case: the subject's manager (R-d), or no one, and then the triage desk decides."""

    TYPE: ClassVar[str] = "manager.assigned.v1"
    manager: str | None = None
    """Staff id; None if the directory has no one who may. None is not written, so the field is optional."""
    reason: Open[RecipientReason]


class ManagerActionRecorded(_ManagerEvent):
    """The manager recorded what they did: category and date, nothing else (R-d)."""

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


class ListedPerson(BaseModel):
    """A person of the staff directory."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    staff_id: str
    name: str


class StaffListed(Event):
    """Some people of an import of the staff directory, with the names that it gives them."""

    TYPE: ClassVar[str] = "staff.listed.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.DIRECTORY.name,)
    at: AwareDatetime
    people: tuple[ListedPerson, ...]


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
    StaffListed,
)
