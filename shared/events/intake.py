"""The events of intake: reports as submitted, additions to them, and the figures of the ledger."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import (
    AccountKind,
    AddedBy,
    AlsoAffects,
    AssetOwner,
    Behaviour,
    Channel,
    Circumstance,
    Confidentiality,
    ContentKind,
    ContentState,
    Device,
    Effect,
    EnquiryTopic,
    ExceptionKind,
    FoundBy,
    ManagerAlert,
    MessageKind,
    MisuseBehaviour,
    Open,
    Relation,
    Scan,
    WorkerKind,
    YesNoUnsure,
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


class Subject(_Part):
    """The person a misuse report is about, as the reporter describes them."""

    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None


class AccountInvolved(_Part):
    """The social media account that a security incident involves."""

    platform: str
    handle: str | None = None
    taken_over: Open[YesNoUnsure] = YesNoUnsure.UNSURE


class Added(_Part):
    """What a reporter added after sending, or answered when a team asked."""

    added_at: AwareDatetime
    text: str | None = None
    answers_question: bool = False


class _Report(Event):
    report_id: UUID
    reference: str
    submitted_at: AwareDatetime
    reporter: Reporter
    narrative: str


class _Abuse(_Report):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ABUSE_REPORTS.name,)

    platform: str
    """A slug from `platforms.PLATFORMS`, or `other`: never a closed enum."""
    platform_name: str | None = None
    """The reporter's name for the platform, if `platform` is `other`."""
    content_kind: Open[ContentKind] | None = None
    content_state: Open[ContentState] | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    behaviours: tuple[Open[Behaviour], ...]
    affected: tuple[Person, ...]
    suspected: tuple[Person, ...] = ()
    occurred_at: AwareDatetime | None = None
    evidence_note: str | None = None
    also_affects: tuple[Open[AlsoAffects], ...] = ()
    found_by: Open[FoundBy] = FoundBy.PERSON
    manager_alert: Open[ManagerAlert]
    manager_email: str | None = None
    not_readable: tuple[str, ...] = ()
    """Names of fields that another system sent in a way that cannot be read; empty where a person reported."""


class AbuseReportSubmitted(_Abuse):
    """A person reported social media abuse (S1, S2, S3). Restricted: carries the narrative."""

    TYPE: ClassVar[str] = "abuse_report.submitted.v1"


class _Misuse(_Report):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.MISUSE_REPORTS.name,)

    subject: Subject
    behaviours: tuple[Open[MisuseBehaviour], ...]
    abuse_behaviours: tuple[Open[Behaviour], ...] = ()
    """Kinds of abuse, if the answers say that someone is being abused: then this was the wrong form."""
    affected: tuple[Person, ...] = ()
    union_activity: Open[YesNoUnsure]
    """Asked about the activity, never about membership (C-j)."""
    platform: str
    platform_name: str | None = None
    content_state: Open[ContentState] | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    account_kind: Open[AccountKind] = AccountKind.UNSURE
    device: Open[Device] = Device.UNSURE
    own_time: Open[YesNoUnsure] = YesNoUnsure.UNSURE
    dwp_information: Open[YesNoUnsure] = YesNoUnsure.NO
    """Whether the department's information was shown."""
    taken_over: Open[YesNoUnsure] | None = None
    """Whether someone else may control an official account; None if the form did not ask."""
    occurred_at: AwareDatetime | None = None
    evidence_note: str | None = None
    related_reference: str | None = None
    """The incident that was not reported, if the report is about that (C-c, C-i)."""
    found_by: Open[FoundBy] = FoundBy.PERSON
    manager_alert: Open[ManagerAlert]
    manager_email: str | None = None
    not_readable: tuple[str, ...] = ()
    """Names of fields that another system sent in a way that cannot be read; empty where a person reported."""

    @property
    def says_abuse(self) -> bool:
        """Whether the answers say that someone is being abused (S3): then SMART gets the report, whatever the form."""
        return bool(self.abuse_behaviours) or MisuseBehaviour.HARASSMENT in self.behaviours


class MisuseReportSubmitted(_Misuse):
    """A person, or monitoring, reported that a person misuses social media (R-c, R-d, C-h). Restricted."""

    TYPE: ClassVar[str] = "misuse_report.submitted.v1"


class _Incident(_Report):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.SECURITY_INCIDENTS.name,)

    channel: Open[Channel] = Channel.STAFF
    effects: tuple[Open[Effect], ...]
    circumstances: tuple[Open[Circumstance], ...]
    asset_owner: Open[AssetOwner]
    asset_note: str | None = None
    occurred_at: AwareDatetime | None = None
    discovered_at: AwareDatetime
    still_happening: Open[YesNoUnsure] = YesNoUnsure.UNSURE
    personal_data: Open[YesNoUnsure] = YesNoUnsure.UNSURE
    people_affected: int | None = None
    own_mistake: bool = False
    account: AccountInvolved | None = None
    behaviours: tuple[Open[Behaviour], ...] = ()
    """Kinds of abuse, if the answers say that someone is being abused: then this was the wrong form (S3)."""
    affected: tuple[Person, ...] = ()
    suspected: tuple[Person, ...] = ()
    platform: str | None = None
    platform_name: str | None = None
    content_state: Open[ContentState] | None = None
    urls: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    evidence_note: str | None = None
    found_by: Open[FoundBy] = FoundBy.PERSON
    manager_alert: Open[ManagerAlert]
    manager_email: str | None = None
    not_readable: tuple[str, ...] = ()
    """Names of fields that another system sent in a way that cannot be read; empty where a person reported."""

    @property
    def says_abuse(self) -> bool:
        """Whether the answers say that someone is being abused (S3): then SMART gets the report, whatever the form."""
        return bool(self.behaviours)


class SecurityIncidentSubmitted(_Incident):
    """A person referred a security incident (C-c). Restricted."""

    TYPE: ClassVar[str] = "security_incident.submitted.v1"


class _Question(_Report):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ENQUIRIES.name,)

    about: Open[EnquiryTopic]


class EnquirySubmitted(_Question):
    """A person asked for advice (X1, X3): an enquiry, not an incident. Restricted."""

    TYPE: ClassVar[str] = "enquiry.submitted.v1"


class _Exception(_Report):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ENQUIRIES.name,)

    kind: Open[ExceptionKind]
    business_case: str | None = None
    platform: str | None = None
    wanted_until: date | None = None


class PolicyExceptionRequested(_Exception):
    """A person asked for an exception, or gave notice of an activity that may need one (C-e, X3). Restricted."""

    TYPE: ClassVar[str] = "policy_exception.requested.v1"


class AbuseReportAmended(_Abuse, Added):
    """The reporter added to a report, or agreed that their manager may be told. Carries the whole current report."""

    TYPE: ClassVar[str] = "abuse_report.amended.v1"


class MisuseReportAmended(_Misuse, Added):
    """As `AbuseReportAmended`."""

    TYPE: ClassVar[str] = "misuse_report.amended.v1"


class SecurityIncidentAmended(_Incident, Added):
    """As `AbuseReportAmended`."""

    TYPE: ClassVar[str] = "security_incident.amended.v1"


class EnquiryAmended(_Question, Added):
    """As `AbuseReportAmended`."""

    TYPE: ClassVar[str] = "enquiry.amended.v1"


class PolicyExceptionAmended(_Exception, Added):
    """As `AbuseReportAmended`."""

    TYPE: ClassVar[str] = "policy_exception.amended.v1"


class _Withdrawn(Event):
    report_id: UUID
    reference: str
    at: AwareDatetime


class AbuseReportWithdrawn(_Withdrawn):
    """The reporter asks to withdraw the report. The team decides; the report stays."""

    TYPE: ClassVar[str] = "abuse_report.withdrawn.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ABUSE_REPORTS.name,)


class MisuseReportWithdrawn(_Withdrawn):
    """As `AbuseReportWithdrawn`."""

    TYPE: ClassVar[str] = "misuse_report.withdrawn.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.MISUSE_REPORTS.name,)


class SecurityIncidentWithdrawn(_Withdrawn):
    """As `AbuseReportWithdrawn`."""

    TYPE: ClassVar[str] = "security_incident.withdrawn.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.SECURITY_INCIDENTS.name,)


class EnquiryWithdrawn(_Withdrawn):
    """As `AbuseReportWithdrawn`."""

    TYPE: ClassVar[str] = "enquiry.withdrawn.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ENQUIRIES.name,)


class PolicyExceptionWithdrawn(_Withdrawn):
    """As `AbuseReportWithdrawn`."""

    TYPE: ClassVar[str] = "policy_exception.withdrawn.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ENQUIRIES.name,)


class _OfAReport(Event):
    """On the topic of its report, with the report's id as subject and key."""

    TOPICS: ClassVar[tuple[str, ...]] = tuple(
        topic.name
        for topic in (topics.ABUSE_REPORTS, topics.MISUSE_REPORTS, topics.SECURITY_INCIDENTS, topics.ENQUIRIES)
    )

    report_id: UUID
    reference: str
    at: AwareDatetime


class MessageSent(_OfAReport):
    """The reporter wrote to the team. Restricted: carries the text."""

    TYPE: ClassVar[str] = "message.sent.v1"
    message_id: UUID
    kind: Open[MessageKind]
    text: str


class EvidenceAdded(_OfAReport):
    """A piece of evidence is kept: what it is, never its bytes or its name."""

    TYPE: ClassVar[str] = "evidence.added.v1"
    evidence_id: UUID
    sha256: str
    """Of what is kept, in hexadecimal."""
    sha256_sent: str
    """Of what came; it differs where a copy without metadata is kept."""
    size: int
    """In bytes, of what is kept."""
    media_type: str
    """By content, such as `image/png`."""
    scan: Open[Scan]
    added_by: Open[AddedBy]
    cleaned: bool = False
    """Whether what is kept is a copy without metadata."""
    responder: str | None = None
    """Staff id of the person of the team who added it."""
    case_id: UUID | None = None
    """The case on which a responder added it."""
    message_id: UUID | None = None
    """The message that it came with."""
    link: int | None = None
    """Which link of the report it shows, counted from 0."""
    note: str | None = None
    """What the person who added it says about it. Restricted, as a narrative is."""


class EvidenceRemoved(_OfAReport):
    """The reporter took a piece of evidence back before a team opened it."""

    TYPE: ClassVar[str] = "evidence.removed.v1"
    evidence_id: UUID


class EvidenceScanned(_OfAReport):
    """The virus scanner looked at a piece of evidence that was kept unscanned."""

    TYPE: ClassVar[str] = "evidence.scanned.v1"
    evidence_id: UUID
    scan: Open[Scan]


class OutcomeReviewRequested(_OfAReport):
    """The reporter asks for the outcome to be looked at again. Restricted: carries the reason."""

    TYPE: ClassVar[str] = "outcome_review.requested.v1"
    reason: str


class LedgerChanged(Event):
    """The figures of the ledger, in numbers of reports, as `signpost reconcile` prints them."""

    TYPE: ClassVar[str] = "ledger.changed.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.LEDGER.name,)

    at: AwareDatetime
    accepted: int
    published: int
    cases: int
    alert_decisions: int
    dead_lettered: int
    in_flight: int
    unaccounted: int
    oldest_unaccounted_s: int | None = None
    accepted_today: int = 0
    """Since midnight in the United Kingdom."""


class SessionEnded(Event):
    """A session is over, or all sessions of a person that began before a time: every service refuses them."""

    TYPE: ClassVar[str] = "session.ended.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.SESSIONS.name,)

    session_id: UUID | None = None
    subject: str | None = None
    """The subject or the staff id of the tokens; sessions that began before `not_before` are over."""
    not_before: AwareDatetime | None = None


INTAKE_EVENTS: tuple[type[Event], ...] = (
    AbuseReportSubmitted,
    AbuseReportAmended,
    AbuseReportWithdrawn,
    MisuseReportSubmitted,
    MisuseReportAmended,
    MisuseReportWithdrawn,
    SecurityIncidentSubmitted,
    SecurityIncidentAmended,
    SecurityIncidentWithdrawn,
    EnquirySubmitted,
    EnquiryAmended,
    EnquiryWithdrawn,
    PolicyExceptionRequested,
    PolicyExceptionAmended,
    PolicyExceptionWithdrawn,
    MessageSent,
    EvidenceAdded,
    EvidenceRemoved,
    EvidenceScanned,
    OutcomeReviewRequested,
    LedgerChanged,
    SessionEnded,
)
