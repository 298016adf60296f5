"""Stores reports as they arrive, a batch at a time."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts.domain import Handle
from services.triage.reports.tables import Report
from shared.events.intake import AbuseReportSubmitted, Person
from shared.events.vocabulary import ReportType


async def store_abuse_reports(
    session: AsyncSession, reports: Sequence[tuple[AbuseReportSubmitted, Sequence[Handle]]]
) -> set[UUID]:
    """Store `reports` with the accounts they name; return the ids of those that were not there yet."""
    rows = [_row(report, accounts) for report, accounts in reports]
    stored = await session.scalars(
        insert(Report).on_conflict_do_nothing().returning(Report.report_id), rows, execution_options=_BULK
    )
    return set(stored)


_BULK: Mapping[str, int] = {"insertmanyvalues_page_size": 1000}


def _row(report: AbuseReportSubmitted, accounts: Sequence[Handle]) -> dict[str, object]:
    reporter = report.reporter
    return {
        "report_id": report.report_id,
        "reference": report.reference,
        "report_type": ReportType.ABUSE,
        "submitted_at": report.submitted_at,
        "confidentiality": reporter.confidentiality,
        "reporter_kind": reporter.kind,
        "platform": report.platform,
        "content_kind": report.content_kind,
        "content_state": report.content_state,
        "behaviours": list(report.behaviours),
        "also_affects": list(report.also_affects),
        "found_by": report.found_by,
        "manager_alert": report.manager_alert,
        "occurred_at": report.occurred_at,
        "reporter_staff_id": reporter.staff_id,
        "reporter_name": reporter.name,
        "reporter_email": reporter.email,
        "safe_contact": reporter.safe_contact,
        "platform_name": report.platform_name,
        "urls": list(report.urls),
        "handles": list(report.handles),
        "accounts": [str(handle) for handle in accounts],
        "affected": [_person(person) for person in report.affected],
        "suspected": [_person(person) for person in report.suspected],
        "narrative": report.narrative,
        "evidence_note": report.evidence_note,
    }


def _person(person: Person) -> dict[str, str]:
    return {name: str(value) for name, value in person if value is not None}
