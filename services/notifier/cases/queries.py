"""Reads what notifier knows of cases."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.cases.tables import KnownCaseRow
from shared.ids import ReportId


async def has_a_restricted_case(session: AsyncSession, report_id: ReportId) -> bool:
    """Tell whether only some of its team may see a case of the report."""
    restricted = exists().where(KnownCaseRow.report_id == report_id, KnownCaseRow.restricted)
    return bool(await session.scalar(select(restricted)))
