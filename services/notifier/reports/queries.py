"""Reads what is remembered about reports and their cases."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.reports.domain import KnownReport, read_misuse
from services.notifier.reports.tables import KnownCaseRow, KnownReportRow
from shared.events.vocabulary import ReportType
from shared.ids import CaseId, ReportId, StaffId


async def known_reports(session: AsyncSession, report_ids: Collection[ReportId]) -> dict[ReportId, KnownReport]:
    """Return what is remembered about these reports."""
    if not report_ids:
        return {}
    rows = await session.scalars(select(KnownReportRow).where(KnownReportRow.report_id.in_(report_ids)))
    return {ReportId(row.report_id): _known(row) for row in rows}


async def with_an_open_case(session: AsyncSession, report_ids: Collection[ReportId]) -> set[ReportId]:
    """Return which of these reports have a case that is not resolved."""
    found = await session.execute(
        select(KnownCaseRow.report_id)
        .where(KnownCaseRow.report_id.in_(report_ids))
        .group_by(KnownCaseRow.report_id)
        .having(func.count() > func.count(KnownCaseRow.resolved_at))
    )
    return {ReportId(report_id) for report_id in found.scalars()}


async def waiting_reviews(session: AsyncSession, report_ids: Collection[ReportId]) -> dict[ReportId, set[CaseId]]:
    """Return the cases of these reports whose outcomes wait to be looked at again."""
    waits = (KnownCaseRow.report_id.in_(report_ids), KnownCaseRow.review_asked_at.is_not(None))
    found: dict[ReportId, set[CaseId]] = {}
    for report_id, case_id in await session.execute(select(KnownCaseRow.report_id, KnownCaseRow.case_id).where(*waits)):
        found.setdefault(ReportId(report_id), set()).add(CaseId(case_id))
    return found


class KnownCase(NamedTuple):
    """Who may see a case: the team that has it, and of a restricted one its leads."""

    case_id: CaseId
    team: str | None
    restricted: bool


async def known_cases(session: AsyncSession, report_id: ReportId) -> list[KnownCase]:
    """Return what is remembered about the cases of a report."""
    columns = select(KnownCaseRow.case_id, KnownCaseRow.team, KnownCaseRow.restricted)
    rows = await session.execute(columns.where(KnownCaseRow.report_id == report_id))
    return [KnownCase(CaseId(case_id), team, restricted) for case_id, team, restricted in rows]


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
