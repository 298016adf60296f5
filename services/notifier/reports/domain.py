"""What notifier keeps of a report: only what later messages need, never what happened. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.addresses import SafeWay, safe_way
from shared.events import intake, vocabulary
from shared.events.intake import Person, Reporter, Subject
from shared.events.people import identity_keys, keys_of_named
from shared.ids import ReportId, StaffId

AbuseEvent = intake.AbuseReportSubmitted | intake.AbuseReportAmended
MisuseEvent = intake.MisuseReportSubmitted | intake.MisuseReportAmended
IncidentEvent = intake.SecurityIncidentSubmitted | intake.SecurityIncidentAmended
EnquiryEvent = intake.EnquirySubmitted | intake.EnquiryAmended
ExceptionEvent = intake.PolicyExceptionRequested | intake.PolicyExceptionAmended
QuestionEvent = EnquiryEvent | ExceptionEvent
"""A question or a request: of these only their reporters are told anything."""
ReportEvent = AbuseEvent | MisuseEvent | IncidentEvent


@dataclass(frozen=True, slots=True)
class MisuseFacts:
    """Who a misuse report is about, and who must not work on it. A `Concern`, so that recipients can be chosen."""

    submitted_at: datetime
    reporter: Reporter
    subject: Subject
    affected: tuple[Person, ...]
    found_by: vocabulary.Open[vocabulary.FoundBy]
    union_activity: vocabulary.Open[vocabulary.YesNoUnsure]
    manager_alert: vocabulary.Open[vocabulary.ManagerAlert]
    manager_email: str | None

    @property
    def suspected(self) -> tuple[Person, ...]:
        """Return the subject as a suspect, who must not be alerted."""
        who = self.subject
        return (
            Person(relation=vocabulary.Relation.COLLEAGUE, name=who.name, staff_id=who.staff_id, handle=who.handle),
        )


@dataclass(frozen=True, slots=True)
class KnownReport:
    """What notifier remembers about a report."""

    report_id: ReportId
    reference: str
    form: vocabulary.ReportType
    says_abuse: bool
    contact: str | None
    """Where to write to the reporter; None if we must not, or cannot."""
    staff_id: StaffId | None
    """The staff id of a reporter who signed in and is named; their address then comes from the directory."""
    misuse: MisuseFacts | None
    kept_from: tuple[str, ...] = ()
    """Keys of people who must not read its alerts: the accused, and the reporter of misuse."""

    @property
    def exempt(self) -> bool:
        """Return whether the subject is erased (C-j), so that it is unknown who must not read it."""
        return self.form is vocabulary.ReportType.MISUSE and self.misuse is None


def known_report(event: ReportEvent) -> KnownReport:
    """Return what notifier keeps of a report in its current state."""
    way = _way(event.reporter)
    return KnownReport(
        report_id=ReportId(event.report_id),
        reference=event.reference,
        form=form_of(event),
        says_abuse=says_abuse(event),
        contact=way.address,
        staff_id=StaffId(way.staff_id) if way.staff_id else None,
        misuse=misuse_facts(event) if isinstance(event, MisuseEvent) else _beside_abuse(event),
        kept_from=tuple(sorted(_kept_from(event))),
    )


def known_question(event: QuestionEvent) -> KnownReport:
    """Return what notifier keeps of a question or a request: only how to reach its reporter."""
    way = _way(event.reporter)
    question = isinstance(event, EnquiryEvent)
    return KnownReport(
        report_id=ReportId(event.report_id),
        reference=event.reference,
        form=vocabulary.ReportType.ENQUIRY if question else vocabulary.ReportType.POLICY_EXCEPTION,
        says_abuse=False,
        contact=way.address,
        staff_id=StaffId(way.staff_id) if way.staff_id else None,
        misuse=None,
    )


def _way(reporter: Reporter) -> SafeWay:
    return safe_way(
        reporter.confidentiality, safe_contact=reporter.safe_contact, email=reporter.email, staff_id=reporter.staff_id
    )


def _kept_from(event: ReportEvent) -> frozenset[str]:
    if not isinstance(event, MisuseEvent):
        return frozenset(key for person in event.suspected for key in keys_of_named(person))
    accused = {key for person in misuse_facts(event).suspected for key in keys_of_named(person)}
    return identity_keys(staff_id=event.reporter.staff_id, email=event.reporter.email) | accused


def form_of(event: ReportEvent) -> vocabulary.ReportType:
    """Return the form of the report."""
    match event:
        case intake.AbuseReportSubmitted() | intake.AbuseReportAmended():
            return vocabulary.ReportType.ABUSE
        case intake.MisuseReportSubmitted() | intake.MisuseReportAmended():
            return vocabulary.ReportType.MISUSE
        case _:
            return vocabulary.ReportType.SECURITY_INCIDENT


def says_abuse(event: ReportEvent) -> bool:
    """Return whether a manager is alerted at once (S3), whatever the form."""
    return isinstance(event, AbuseEvent) or event.says_abuse


def behaviours_of(event: ReportEvent) -> tuple[vocabulary.Open[vocabulary.Behaviour], ...]:
    """Return the kinds of abuse in the answers."""
    return event.abuse_behaviours if isinstance(event, MisuseEvent) else event.behaviours


def misuse_facts(event: MisuseEvent) -> MisuseFacts:
    """Return who the report is about, and who is involved."""
    return MisuseFacts(
        submitted_at=event.submitted_at,
        reporter=event.reporter,
        subject=event.subject,
        affected=event.affected,
        found_by=event.found_by,
        union_activity=event.union_activity,
        manager_alert=event.manager_alert,
        manager_email=event.manager_email,
    )


def _beside_abuse(event: AbuseEvent | IncidentEvent) -> MisuseFacts | None:
    """Return the facts to find a manager by if a lead sees misuse in abuse (S1): those of the only suspect."""
    if not says_abuse(event) or len(event.suspected) != 1:
        return None
    [one] = event.suspected
    return MisuseFacts(
        submitted_at=event.submitted_at,
        reporter=event.reporter,
        subject=Subject(name=one.name, staff_id=one.staff_id, handle=one.handle),
        affected=event.affected,
        found_by=event.found_by,
        union_activity=vocabulary.YesNoUnsure.NO,
        manager_alert=event.manager_alert,
        manager_email=event.manager_email,
    )


def stored_misuse(facts: MisuseFacts) -> dict[str, object]:
    """Return `facts` in stored form, without details of the reporter that later messages do not need."""
    proved = facts.reporter.staff_id is not None
    forgotten = {"safe_contact": None} | ({"name": None} if proved else {})
    reporter = facts.reporter.model_copy(update=forgotten)
    return {
        "submitted_at": facts.submitted_at.isoformat(),
        "reporter": reporter.model_dump(mode="json", exclude_none=True),
        "subject": facts.subject.model_dump(mode="json", exclude_none=True),
        "affected": [person.model_dump(mode="json", exclude_none=True) for person in facts.affected],
        "found_by": facts.found_by,
        "union_activity": facts.union_activity,
        "manager_alert": facts.manager_alert,
        "manager_email": facts.manager_email,
    }


def read_misuse(stored: Mapping[str, object]) -> MisuseFacts:
    """Read what `stored_misuse` returned."""
    known = {"report_id": UUID(int=0), "reference": "", "narrative": "", "behaviours": (), "platform": "other"}
    return misuse_facts(intake.MisuseReportSubmitted.model_validate({**known, **stored}))
