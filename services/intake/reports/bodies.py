"""What the API reads and answers: a body for each kind of report."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from services.intake.reports import commands
from services.intake.reports.checks import LIMITS, LIST_LIMIT, NARRATIVE_LIMIT, SHORT_LIMIT, TEXT_LIMIT
from services.intake.reports.domain import Accepted, Report, Reporter, default_manager_alert
from shared.auth.permissions import Permission, Principal
from shared.events import vocabulary
from shared.web.bodies import Body, Bool, Email, Int, Line, Link, Moment, Name, Text

R = TypeVar("R", bound=Report)
Short = Annotated[Line, Field(max_length=SHORT_LIMIT)]
ShortName = Annotated[Name, Field(max_length=SHORT_LIMIT)]
LongText = Annotated[Text, Field(max_length=TEXT_LIMIT)]
Narrative = Annotated[Text, Field(max_length=NARRATIVE_LIMIT)]
Several = Field(max_length=LIST_LIMIT)
"""Bounds are checked while a body is read, so that a long list costs no more than a short one."""
_ABUSE, _MISUSE, _INCIDENT = (
    TypeAdapter(commands.AbuseReport),
    TypeAdapter(commands.MisuseReport),
    TypeAdapter(commands.IncidentReport),
)
_ENQUIRY, _EXCEPTION = TypeAdapter(commands.Enquiry), TypeAdapter(commands.PolicyException)
_NEVER_LEFT_OUT = frozenset({"narrative"})


def _day_as_text(value: object) -> object:
    if isinstance(value, str | date):
        return value
    raise PydanticCustomError("signpost_day", "Give the date as text, YYYY-MM-DD")


class PersonBody(Body):
    """A person affected or suspected, as far as you know."""

    relation: vocabulary.Relation
    name: ShortName | None = None
    staff_id: Short | None = None
    handle: Short | None = None


class ReportBody(Body):
    """What every report says."""

    EITHER: ClassVar[tuple[str, ...]] = ()
    """Fields of which one is needed."""

    narrative: Narrative
    confidential: Bool = Field(default=False, description="Only the team that answers learns who you are.")
    worker_kind: vocabulary.WorkerKind | None = None
    safe_contact: LongText | None = None

    def reporter(self, principal: Principal | None) -> Reporter:
        """Return who reports; what a sender without a token says of themselves is refused, not kept."""
        if principal is None:
            return Reporter(
                vocabulary.Confidentiality.ANONYMOUS,
                worker_kind=self.worker_kind,
                safe_contact=self.safe_contact or None,
            )
        return Reporter(
            vocabulary.Confidentiality.CONFIDENTIAL if self.confidential else vocabulary.Confidentiality.NAMED,
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


class OccurrenceBody(ReportBody):
    """Where and when it happened, to whom, and who is told."""

    platform_name: ShortName | None = None
    content_state: vocabulary.ContentState | None = None
    urls: Annotated[tuple[Annotated[Link, Field(min_length=1, max_length=LIMITS["urls"])], ...], Several] = ()
    handles: Annotated[tuple[Annotated[Short, Field(min_length=1)], ...], Several] = ()
    affected: Annotated[tuple[PersonBody, ...], Several] = ()
    occurred_at: Moment | None = None
    evidence_note: LongText | None = None
    found_by: vocabulary.FoundBy = vocabulary.FoundBy.PERSON
    manager_alert: vocabulary.ManagerAlert | None = Field(
        default=None, description="`yes` unless the report is confidential, anonymous or found by monitoring."
    )
    manager_email: Annotated[Email, Field(max_length=SHORT_LIMIT)] | None = None

    def alert(self, principal: Principal | None) -> vocabulary.ManagerAlert:
        """Return whether the manager is told."""
        return self.manager_alert or default_manager_alert(self.reporter(principal), self.found_by)


class AbuseReportBody(OccurrenceBody):
    """A report of social media abuse. Without a bearer token it is anonymous."""

    platform: Short = Field(description="A known platform, or `other` with `platform_name`.", examples=["x"])
    content_kind: vocabulary.ContentKind | None = None
    behaviours: Annotated[tuple[vocabulary.Behaviour, ...], Several]
    affected: Annotated[tuple[PersonBody, ...], Several]
    suspected: Annotated[tuple[PersonBody, ...], Several] = ()
    also_affects: Annotated[tuple[vocabulary.AlsoAffects, ...], Several] = ()

    def to_command(self, principal: Principal | None) -> commands.AbuseReport:
        return command(_ABUSE, self, principal, manager_alert=self.alert(principal))


class SubjectBody(Body):
    """Who it is about, as far as you know."""

    name: ShortName | None = None
    staff_id: Short | None = None
    handle: Short | None = None


class MisuseReportBody(OccurrenceBody):
    """A report that someone misuses social media."""

    subject: SubjectBody = SubjectBody()
    platform: Short = Field(description="A known platform, or `other` with `platform_name`.", examples=["facebook"])
    behaviours: Annotated[tuple[vocabulary.MisuseBehaviour, ...], Several]
    abuse_behaviours: Annotated[tuple[vocabulary.Behaviour, ...], Several] = Field(
        default=(), description="Where someone is being abused: the abuse team then has it."
    )
    union_activity: vocabulary.YesNoUnsure = Field(
        default=vocabulary.YesNoUnsure.UNSURE,
        description="Whether it may be union activity in own time; never whether anyone is a member.",
    )
    account_kind: vocabulary.AccountKind = vocabulary.AccountKind.UNSURE
    device: vocabulary.Device = vocabulary.Device.UNSURE
    own_time: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE
    dwp_information: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.NO
    taken_over: vocabulary.YesNoUnsure | None = Field(
        default=None, description="Whether someone else controls an official account: that is a security incident."
    )
    related_reference: Short | None = Field(default=None, description="The incident that was not reported.")

    def to_command(self, principal: Principal | None) -> commands.MisuseReport:
        related = self.related_reference or None
        return command(
            _MISUSE,
            self,
            principal,
            manager_alert=self.alert(principal),
            related_reference=(commands.canonical(related) or related) if related else None,
        )


class AccountBody(Body):
    """The social media account that the incident involves."""

    platform: Short = Field(min_length=1)
    handle: Short | None = None
    taken_over: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE


class SecurityIncidentBody(OccurrenceBody):
    """A security incident, actual or suspected. A supplier's token makes it the suppliers' channel."""

    EITHER = ("effects", "behaviours")
    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in EITHER]})

    effects: Annotated[tuple[vocabulary.Effect, ...], Several] = Field(
        default=(), description="Needed unless `behaviours` says abuse."
    )
    circumstances: Annotated[tuple[vocabulary.Circumstance, ...], Several]
    asset_owner: vocabulary.AssetOwner
    asset_note: LongText | None = None
    discovered_at: Moment
    still_happening: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE
    personal_data: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE
    people_affected: Int | None = None
    own_mistake: Bool = False
    account: AccountBody | None = None
    platform: Short | None = None
    behaviours: Annotated[tuple[vocabulary.Behaviour, ...], Several] = Field(
        default=(), description="Where someone is being abused: the abuse team then has it."
    )
    suspected: Annotated[tuple[PersonBody, ...], Several] = ()

    def to_command(self, principal: Principal | None) -> commands.IncidentReport:
        supplier = principal is not None and principal.may(Permission.REPORT_AS_SUPPLIER)
        return command(
            _INCIDENT,
            self,
            principal,
            manager_alert=self.alert(principal),
            channel=vocabulary.Channel.SUPPLIER if supplier else vocabulary.Channel.STAFF,
        )


class EnquiryBody(ReportBody):
    """A question for the Security Advice Centre; `narrative` is the question."""

    about: vocabulary.EnquiryTopic = vocabulary.EnquiryTopic.OTHER

    def to_command(self, principal: Principal | None) -> commands.Enquiry:
        return command(_ENQUIRY, self, principal)


class PolicyExceptionBody(ReportBody):
    """A request for an exception, or notice of an activity that may need one; `narrative` says what it is."""

    kind: vocabulary.ExceptionKind = vocabulary.ExceptionKind.REQUEST
    business_case: Narrative | None = Field(default=None, description="Needed for a request.")
    platform: Short | None = None
    wanted_until: Annotated[date, BeforeValidator(_day_as_text)] | None = None

    def to_command(self, principal: Principal | None) -> commands.PolicyException:
        return command(_EXCEPTION, self, principal)


def command(reader: TypeAdapter[R], body: ReportBody, principal: Principal | None, **known: object) -> R:
    """Return the command that `body` asks for by name, in the sender's name; `known` replaces what the body says."""
    return reader.validate_python({**body.answers(), "reporter": body.reporter(principal), **known})


def _tidy(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _tidied(name, value) for name, value in values.items()}


def _tidied(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return _tidy(value)
    if isinstance(value, tuple):
        return tuple(_tidied(name, part) for part in value) if _holds_objects(value) else tuple(dict.fromkeys(value))
    return None if value == "" and name not in _NEVER_LEFT_OUT else value


def _holds_objects(value: tuple[object, ...]) -> bool:
    return any(isinstance(part, Mapping) for part in value)
