"""Reads what is remembered of reports."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.reports.domain import KnownReport, read_misuse
from services.notifier.reports.tables import KnownReportRow
from shared.events.vocabulary import ReportType
from shared.ids import ReportId, StaffId


async def known_reports(session: AsyncSession, report_ids: Collection[ReportId]) -> dict[ReportId, KnownReport]:
    """Return what is remembered of these reports."""
    if not report_ids:
        return {}
    rows = await session.scalars(select(KnownReportRow).where(KnownReportRow.report_id.in_(report_ids)))
    return {ReportId(row.report_id): _known(row) for row in rows}


def _known(row: KnownReportRow) -> KnownReport:
    return KnownReport(
        report_id=ReportId(row.report_id),
        reference=row.reference,
        form=ReportType(row.form),
        says_abuse=row.says_abuse,
        contact=row.contact,
        staff_id=StaffId(row.staff_id) if row.staff_id else None,
        misuse=read_misuse(row.misuse) if row.misuse else None,
        kept_from=tuple(row.kept_from),
    )
