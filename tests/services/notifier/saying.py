"""Builders of what other services say of misuse, incidents and cases."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from services.notifier.directory.domain import StaffMember
from shared.events.intake import (
    MisuseReportAmended,
    MisuseReportSubmitted,
    SecurityIncidentAmended,
    SecurityIncidentSubmitted,
)
from shared.events.parts import Reporter, Subject
from shared.events.triage import CaseClosed, CaseReopened, CaseResolved, CaseRouted, CaseTransferred
from tests.services.notifier.building import LUCA, NOW, PRIYA

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


def who(member: StaffMember | None, confidentiality: str = "named", **said: object) -> Reporter:
    known = {"staff_id": member.staff_id, "name": member.name, "email": member.email} if member else {}
    return Reporter.model_validate({"confidentiality": confidentiality, **known, **said})


def added_to(
    report: MisuseReportSubmitted | SecurityIncidentSubmitted, **said: object
) -> MisuseReportAmended | SecurityIncidentAmended:
    """The same report as its reporter has added to it."""
    whole = report.model_dump() | {"added_at": NOW + timedelta(hours=1)} | said
    if isinstance(report, MisuseReportSubmitted):
        return MisuseReportAmended.model_validate(whole)
    return SecurityIncidentAmended.model_validate(whole)


def routed(report_id: UUID, **said: object) -> CaseRouted:
    """A misuse case that went to the subject's manager, unless it is `said` otherwise."""
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
