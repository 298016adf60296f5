"""What the API reads and answers: a module for each kind of report, and here what they share."""

from collections.abc import Mapping
from typing import Annotated, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter

from services.intake.reports.domain import Accepted, Report, Reporter
from shared.auth.principal import Principal
from shared.events.vocabulary import Confidentiality, Relation, WorkerKind
from shared.web.bodies import Body, Bool

R = TypeVar("R", bound=Report)
Texts = tuple[Annotated[str, Field(min_length=1)], ...]
_NEVER_LEFT_OUT = frozenset({"narrative"})


class PersonBody(Body):
    """A person affected or suspected, as far as you know."""

    relation: Relation
    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None


class ReportBody(Body):
    """What every report says."""

    narrative: str
    confidential: Bool = Field(default=False, description="Only the team that answers learns who you are.")
    worker_kind: WorkerKind | None = None
    safe_contact: str | None = None

    def reporter(self, principal: Principal | None) -> Reporter:
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

    def answers(self) -> Mapping[str, object]:
        """Return what was answered, without empty texts and without what was said twice."""
        return _tidy(self.model_dump(exclude={"confidential", "worker_kind", "safe_contact"}))


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


def command(reader: TypeAdapter[R], body: ReportBody, principal: Principal | None, **known: object) -> R:
    """Return the command that `body` asks for, in the name of who sends it; `known` replaces what it says."""
    return reader.validate_python({**body.answers(), "reporter": body.reporter(principal), **known})


def _tidy(told: Mapping[str, object]) -> dict[str, object]:
    return {name: _tidied(name, value) for name, value in told.items()}


def _tidied(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return _tidy(value)
    if isinstance(value, tuple):
        return tuple(_tidied(name, part) for part in value) if _holds_objects(value) else tuple(dict.fromkeys(value))
    return None if value == "" and name not in _NEVER_LEFT_OUT else value


def _holds_objects(value: tuple[object, ...]) -> bool:
    return any(isinstance(part, Mapping) for part in value)
