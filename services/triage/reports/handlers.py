"""Stores reports as they arrive, a batch at a time."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts.domain import Handle
from services.triage.reports.tables import NamedAccount, Report
from shared.events.intake import AbuseReportSubmitted, Person
from shared.events.vocabulary import ReportType


async def store_abuse_reports(
    session: AsyncSession, reports: Sequence[tuple[AbuseReportSubmitted, Sequence[Handle]]]
) -> set[UUID]:
    """Store those of `reports` that are not there yet, with the accounts they name; return their ids.

    Two that store the same report at once cannot both succeed: the second one's batch fails and is tried again.
    """
    ids = literal([report.report_id for report, _ in reports], ARRAY(Uuid))
    known = set(await session.scalars(select(Report.report_id).where(Report.report_id == any_(ids))))
    new = {report.report_id: (report, accounts) for report, accounts in reports if report.report_id not in known}
    if new:
        await session.execute(insert(Report.table()), [_row(report) for report, _ in new.values()])
    if named := [_named(report, account) for report, accounts in new.values() for account in accounts]:
        await session.execute(insert(NamedAccount.table()), named)
    return set(new)


def _row(report: AbuseReportSubmitted) -> dict[str, object]:
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
        "affected": [_person(person) for person in report.affected],
        "suspected": [_person(person) for person in report.suspected],
        "narrative": report.narrative,
        "evidence_note": report.evidence_note,
    }


def _named(report: AbuseReportSubmitted, account: Handle) -> dict[str, object]:
    return {"report_id": report.report_id, "account": str(account), "submitted_at": report.submitted_at}


def _person(person: Person) -> dict[str, str]:
    return {name: str(value) for name, value in person if value is not None}
