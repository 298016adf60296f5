"""Builders: a directory like the sample's, intake's reports, triage's case events, and their envelopes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from services.notifier.alerts.domain import AddressBook, Recipient
from services.notifier.cases.domain import Mailboxes
from services.notifier.delivery.digests import DigestRules
from services.notifier.directory.domain import Directory, ReportingLine, StaffMember
from shared.events.envelope import Envelope, Event
from shared.events.intake import (
    AbuseReportSubmitted,
    EnquirySubmitted,
    MisuseReportAmended,
    MisuseReportSubmitted,
    Person,
    PolicyExceptionRequested,
    Reporter,
    SecurityIncidentAmended,
    SecurityIncidentSubmitted,
    Subject,
)
from shared.events.triage import (
    CaseClosed,
    CasePriorityChanged,
    CaseReopened,
    CaseResolved,
    CaseRouted,
    CaseTransferred,
)
from shared.events.vocabulary import AlertPurpose, Behaviour, Confidentiality, FoundBy, ManagerAlert, Relation, Team
from shared.ids import StaffId

E = TypeVar("E", bound=Event)
NOW = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)
FALLBACK = Recipient("kcis-desk@example.org")
BOOK = AddressBook(FALLBACK, frozenset({"example.org"}))
BOXES = Mailboxes(
    team={team: Recipient(f"{team.replace('_', '-')}@example.org") for team in Team if team is not Team.LINE_MANAGER},
    lead={team: Recipient(f"{team.replace('_', '-')}-lead@example.org") for team in (Team.SMART, Team.TRIAGE_DESK)},
    on_call={
        team: Recipient(f"{team.replace('_', '-')}-on-call@example.org") for team in (Team.SIRT, Team.TRIAGE_DESK)
    },
    comms=Recipient("comms@example.org"),
)
DIGEST_RULES = DigestRules(
    digest=frozenset({AlertPurpose.DEADLINE_AT_RISK, AlertPurpose.REVIEW_DUE}),
    times=(time(9), time(14)),
    at_most=timedelta(hours=8),
    storm_after=1000,
    storm_window=timedelta(minutes=10),
)

PRIYA = StaffMember(StaffId("S1001"), "Priya Shah", "priya.shah@example.org")
TOM = StaffMember(StaffId("S1002"), "Tom Evans", "tom.evans@example.org")
GRACE = StaffMember(StaffId("S2001"), "Grace Okafor", "grace.okafor@example.org")
DANIEL = StaffMember(StaffId("S2002"), "Daniel Price", "daniel.price@example.org")
HELEN = StaffMember(StaffId("S3001"), "Helen Marsh", "helen.marsh@example.org")
MARGARET = StaffMember(StaffId("S9001"), "Margaret Ellis", "margaret.ellis@example.org")
LUCA = StaffMember(StaffId("S1012"), "Luca Moretti", "luca.moretti@example.org")
STAFF = (PRIYA, TOM, GRACE, DANIEL, HELEN, MARGARET, LUCA)


def line(
    person: StaffMember, manager: StaffMember, first: date | None = None, last: date | None = None
) -> ReportingLine:
    return ReportingLine(person.staff_id, manager.staff_id, first, last)


LINES = (
    line(PRIYA, DANIEL, last=date(2025, 8, 31)),
    line(PRIYA, GRACE, first=date(2025, 9, 1)),
    line(TOM, GRACE),
    line(GRACE, HELEN),
    line(DANIEL, HELEN),
    line(HELEN, MARGARET),
)
DIRECTORY = Directory.of(STAFF, LINES)


def suspect(member: StaffMember | None = None, **said: str) -> Person:
    """A suspect, by staff id or in the reporter's words."""
    known = {"staff_id": member.staff_id} if member else {}
    return Person.model_validate({"relation": Relation.COLLEAGUE, **known, **said})


def report(
    *,
    reporter: StaffMember | None = PRIYA,
    confidentiality: str = Confidentiality.NAMED,
    manager_alert: str = ManagerAlert.YES,
    manager_email: str | None = None,
    suspected: Sequence[Person] = (),
    affected: Sequence[Person] = (Person(relation=Relation.SELF),),
    found_by: str = FoundBy.PERSON,
    behaviours: Sequence[str] = (Behaviour.HARASSMENT,),
    submitted_at: datetime = NOW,
    report_id: UUID | None = None,
    signed_in: bool = True,
) -> AbuseReportSubmitted:
    return AbuseReportSubmitted.model_validate(
        {
            "report_id": report_id or uuid4(),
            "reference": "SP-0000-0000",
            "submitted_at": submitted_at,
            "reporter": Reporter.model_validate(
                {
                    "confidentiality": confidentiality,
                    "staff_id": reporter.staff_id if reporter and signed_in else None,
                    "name": reporter.name if reporter else None,
                    "email": reporter.email if reporter else None,
                }
            ),
            "platform": "x",
            "behaviours": behaviours,
            "affected": affected,
            "suspected": suspected,
            "narrative": "NARRATIVE-CANARY",
            "found_by": found_by,
            "manager_alert": manager_alert,
            "manager_email": manager_email,
        }
    )


def envelope(data: E, sequence: int = 1) -> Envelope[E]:
    subject = str(getattr(data, "case_id", None) or getattr(data, "report_id", uuid4()))
    at = getattr(data, "at", getattr(data, "submitted_at", NOW))
    return Envelope(str(uuid4()), "/signpost/intake", subject, sequence, at, data)


REFERENCE = "SP-0000-0000"


def misuse(
    *, reporter: StaffMember | None = LUCA, subject: Subject | None = None, **said: object
) -> MisuseReportSubmitted:
    """A misuse report: Luca, who has no manager here, reports Priya."""
    known: dict[str, object] = {
        "report_id": uuid4(),
        "reference": REFERENCE,
        "submitted_at": NOW,
        "reporter": who(reporter),
        "subject": subject or Subject(staff_id=PRIYA.staff_id, name=PRIYA.name),
        "behaviours": ["speaks_for_department"],
        "union_activity": "no",
        "platform": "x",
        "narrative": "NARRATIVE-CANARY",
        "manager_alert": "yes",
    }
    return MisuseReportSubmitted.model_validate(known | said)


def incident(*, reporter: StaffMember | None = PRIYA, **said: object) -> SecurityIncidentSubmitted:
    known: dict[str, object] = {
        "report_id": uuid4(),
        "reference": REFERENCE,
        "submitted_at": NOW,
        "reporter": who(reporter),
        "effects": ["loss"],
        "circumstances": ["actual"],
        "asset_owner": "dwp",
        "discovered_at": NOW,
        "narrative": "NARRATIVE-CANARY",
        "manager_alert": "yes",
    }
    return SecurityIncidentSubmitted.model_validate(known | said)


def enquiry(*, reporter: StaffMember | None = PRIYA, **said: object) -> EnquirySubmitted:
    return EnquirySubmitted.model_validate(_question(reporter) | {"about": "policy"} | said)


def exception(*, reporter: StaffMember | None = PRIYA, **said: object) -> PolicyExceptionRequested:
    return PolicyExceptionRequested.model_validate(_question(reporter) | {"kind": "request"} | said)


def _question(reporter: StaffMember | None) -> dict[str, object]:
    return {
        "report_id": uuid4(),
        "reference": REFERENCE,
        "submitted_at": NOW,
        "reporter": who(reporter),
        "narrative": "NARRATIVE-CANARY",
    }


def who(member: StaffMember | None, confidentiality: str = "named", **said: object) -> Reporter:
    known = {"staff_id": member.staff_id, "name": member.name, "email": member.email} if member else {}
    return Reporter.model_validate({"confidentiality": confidentiality, **known, **said})


def added_to(
    report: MisuseReportSubmitted | SecurityIncidentSubmitted, **said: object
) -> MisuseReportAmended | SecurityIncidentAmended:
    """The same report with its reporter's additions."""
    whole = report.model_dump() | {"added_at": NOW + timedelta(hours=1)} | said
    if isinstance(report, MisuseReportSubmitted):
        return MisuseReportAmended.model_validate(whole)
    return SecurityIncidentAmended.model_validate(whole)


def routed(report_id: UUID, **said: object) -> CaseRouted:
    """A misuse case that went to the subject's manager, unless `said` changes it."""
    known: dict[str, object] = {
        **_case(report_id),
        "report_type": "misuse",
        "form": "misuse",
        "team": "line_manager",
        "rule": "misuse-to-manager",
        "clause": "R-d",
        "rulebook": "sha256:0",
        "priority": "P3",
    }
    return CaseRouted.model_validate(known | said)


def transferred(case: CaseRouted, from_team: str, to_team: str) -> CaseTransferred:
    return CaseTransferred.model_validate(_same(case) | {"from_team": from_team, "to_team": to_team})


def reprioritised(case: CaseRouted, before: str, priority: str, *, staffed: bool) -> CasePriorityChanged:
    said = {"team": case.team, "before": before, "priority": priority, "staffed": staffed}
    return CasePriorityChanged.model_validate(_same(case) | said)


def resolved(case: CaseRouted, outcome: str, **said: object) -> CaseResolved:
    known = {"team": case.team, "outcome": outcome, "report_type": case.report_type}
    return CaseResolved.model_validate(_same(case) | known | said)


def reopened(case: CaseRouted) -> CaseReopened:
    return CaseReopened.model_validate(_same(case) | {"team": case.team, "state": "in_progress"})


def closed(case: CaseRouted) -> CaseClosed:
    return CaseClosed.model_validate(_same(case) | {"team": case.team})


def _case(report_id: UUID, at: datetime = NOW) -> dict[str, object]:
    return {"case_id": uuid4(), "report_id": report_id, "reference": REFERENCE, "at": at}


def _same(case: CaseRouted) -> dict[str, object]:
    return {"case_id": case.case_id, "report_id": case.report_id, "reference": case.reference, "at": case.at}
