"""What intake tells the others: reports as they were submitted."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import (
    AlsoAffects,
    Behaviour,
    Confidentiality,
    ContentKind,
    ContentState,
    FoundBy,
    ManagerAlert,
    Open,
    Relation,
    WorkerKind,
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Reporter(_Part):
    """Who reported. All fields but `confidentiality` are None for an anonymous reporter."""

    confidentiality: Open[Confidentiality]
    staff_id: str | None = None
    name: str | None = None
    email: str | None = None
    kind: Open[WorkerKind] | None = None
    safe_contact: str | None = None


class Person(_Part):
    """A person affected or suspected, as far as the reporter knows."""

    relation: Open[Relation]
    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None


class AbuseReportSubmitted(Event):
    """A person reported social media abuse (S1, S2, S3). Restricted: carries the narrative."""

    TYPE: ClassVar[str] = "abuse_report.submitted.v1"
    TOPIC: ClassVar[str] = topics.ABUSE_REPORTS.name

    report_id: UUID
    reference: str
    submitted_at: AwareDatetime
    reporter: Reporter
    platform: str
    """A slug from `platforms.PLATFORMS`, or `other`: never a closed enum."""
    platform_name: str | None = None
    """What the reporter calls the platform where `platform` is `other`."""
    content_kind: Open[ContentKind] | None = None
    content_state: Open[ContentState] | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    behaviours: tuple[Open[Behaviour], ...]
    affected: tuple[Person, ...]
    suspected: tuple[Person, ...] = ()
    occurred_at: AwareDatetime | None = None
    narrative: str
    evidence_note: str | None = None
    also_affects: tuple[Open[AlsoAffects], ...] = ()
    found_by: Open[FoundBy] = FoundBy.PERSON
    manager_alert: Open[ManagerAlert]
    manager_email: str | None = None


INTAKE_EVENTS: tuple[type[Event], ...] = (AbuseReportSubmitted,)

__all__ = ["INTAKE_EVENTS", "AbuseReportSubmitted", "Person", "Reporter"]
