"""A report as the others hear of it. Commands and events call the same thing by the same name."""

from dataclasses import asdict
from datetime import datetime

from services.intake.reports.domain import Report, Reporter
from services.intake.reports.kinds import kind_of
from shared.events.envelope import Event
from shared.ids import Reference, ReportId


def submitted(report_id: ReportId, reference: Reference, report: Report, at: datetime) -> Event:
    """Say that `report` was submitted at `at`."""
    return kind_of(report).submitted.model_validate(_said(report_id, reference, report, at))


def amended(
    report_id: ReportId,
    reference: Reference,
    report: Report,
    submitted_at: datetime,
    *,
    now: datetime,
    text: str | None,
    answers_question: bool,
) -> Event:
    """Say that the reporter added `text`; carries the whole report as it is now."""
    added = {"added_at": now, "text": text, "answers_question": answers_question}
    return kind_of(report).amended.model_validate({**_said(report_id, reference, report, submitted_at), **added})


def _said(report_id: ReportId, reference: Reference, report: Report, at: datetime) -> dict[str, object]:
    return {
        **asdict(report),
        "report_id": report_id,
        "reference": reference,
        "submitted_at": at,
        "reporter": _reporter(report.reporter),
    }


def _reporter(reporter: Reporter) -> dict[str, object]:
    """Leave out how sign-in knows them: nobody else needs it."""
    return {
        "confidentiality": reporter.confidentiality,
        "staff_id": reporter.staff_id,
        "name": reporter.name,
        "email": reporter.email,
        "kind": reporter.worker_kind,
        "safe_contact": reporter.safe_contact,
    }
