"""A report as the others hear of it."""

from dataclasses import asdict
from datetime import datetime

from services.intake.reports.domain import AbuseReport, Reporter
from shared.events import intake
from shared.ids import Reference, ReportId


def abuse_report_submitted(
    report_id: ReportId, reference: Reference, report: AbuseReport, now: datetime
) -> intake.AbuseReportSubmitted:
    """Say that `report` was submitted."""
    return intake.AbuseReportSubmitted(
        report_id=report_id,
        reference=reference,
        submitted_at=now,
        reporter=_reporter(report.reporter),
        platform=report.platform,
        platform_name=report.platform_name,
        content_kind=report.content_kind,
        content_state=report.content_state,
        urls=report.urls,
        handles=report.handles,
        behaviours=report.behaviours,
        affected=tuple(intake.Person(**asdict(person)) for person in report.affected),
        suspected=tuple(intake.Person(**asdict(person)) for person in report.suspected),
        occurred_at=report.occurred_at,
        narrative=report.narrative,
        evidence_note=report.evidence_note,
        also_affects=report.also_affects,
        found_by=report.found_by,
        manager_alert=report.manager_alert,
        manager_email=report.manager_email,
    )


def _reporter(reporter: Reporter) -> intake.Reporter:
    return intake.Reporter(
        confidentiality=reporter.confidentiality,
        staff_id=reporter.staff_id,
        name=reporter.name,
        email=reporter.email,
        kind=reporter.worker_kind,
        safe_contact=reporter.safe_contact,
    )
