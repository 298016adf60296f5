"""What the API reads and answers."""

from collections.abc import Iterable
from typing import Annotated, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.reports.domain import AbuseReport, Accepted, Person, Reporter, default_manager_alert
from shared.auth.principal import Principal
from shared.events.vocabulary import (
    AlsoAffects,
    Behaviour,
    Confidentiality,
    ContentKind,
    ContentState,
    FoundBy,
    ManagerAlert,
    Relation,
    WorkerKind,
)
from shared.web.bodies import Body, Bool, Moment

T = TypeVar("T")
Texts = tuple[Annotated[str, Field(min_length=1)], ...]


class PersonBody(Body):
    """A person affected or suspected, as far as you know."""

    relation: Relation
    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None

    def to_domain(self) -> Person:
        return Person(self.relation, self.name or None, self.staff_id or None, self.handle or None)


class AbuseReportBody(Body):
    """A report of social media abuse. Without a bearer token it is anonymous."""

    platform: str = Field(description="A known platform, or `other` with `platform_name`.", examples=["x"])
    platform_name: str | None = None
    content_kind: ContentKind | None = None
    content_state: ContentState | None = None
    urls: Texts = ()
    handles: Texts = ()
    behaviours: tuple[Behaviour, ...]
    affected: tuple[PersonBody, ...]
    suspected: tuple[PersonBody, ...] = ()
    occurred_at: Moment | None = None
    narrative: str
    evidence_note: str | None = None
    also_affects: tuple[AlsoAffects, ...] = ()
    found_by: FoundBy = FoundBy.PERSON
    manager_alert: ManagerAlert | None = Field(
        default=None, description="`yes` unless the report is confidential, anonymous or found by monitoring."
    )
    manager_email: str | None = None
    confidential: Bool = False
    worker_kind: WorkerKind | None = None
    safe_contact: str | None = None

    def to_command(self, principal: Principal | None) -> AbuseReport:
        """Return the command that this body asks for, in the name of who sends it."""
        reporter = self._reporter(principal)
        return AbuseReport(
            reporter=reporter,
            platform=self.platform,
            platform_name=self.platform_name or None,
            content_kind=self.content_kind,
            content_state=self.content_state,
            urls=_once(self.urls),
            handles=_once(self.handles),
            behaviours=_once(self.behaviours),
            affected=tuple(person.to_domain() for person in self.affected),
            suspected=tuple(person.to_domain() for person in self.suspected),
            occurred_at=self.occurred_at,
            narrative=self.narrative,
            evidence_note=self.evidence_note or None,
            also_affects=_once(self.also_affects),
            found_by=self.found_by,
            manager_alert=self.manager_alert or default_manager_alert(reporter, self.found_by),
            manager_email=self.manager_email or None,
        )

    def _reporter(self, principal: Principal | None) -> Reporter:
        """Name nobody without a token; what a nameless sender says of themselves is then refused, not kept."""
        if principal is None:
            return Reporter(
                Confidentiality.ANONYMOUS, worker_kind=self.worker_kind, safe_contact=self.safe_contact or None
            )
        return Reporter(
            Confidentiality.CONFIDENTIAL if self.confidential else Confidentiality.NAMED,
            subject=principal.subject,
            staff_id=principal.staff_id,
            name=principal.name,
            email=principal.email,
            worker_kind=self.worker_kind,
            safe_contact=self.safe_contact or None,
        )


class AcceptedBody(BaseModel):
    """The report was taken. `receipt_code` is there for an anonymous report only, and only once: keep it."""

    report_id: UUID
    reference: str
    receipt_code: str | None = None
    status_url: str

    @classmethod
    def of(cls, accepted: Accepted, public_url: str) -> Self:
        return cls(
            report_id=accepted.report_id,
            reference=accepted.reference,
            receipt_code=accepted.receipt_code,
            status_url=f"{public_url.rstrip('/')}/report/track/{accepted.reference}",
        )


def _once(values: Iterable[T]) -> tuple[T, ...]:
    """Drop what is said twice; the order stays."""
    return tuple(dict.fromkeys(values))
