"""Reads reports: the whole answers for a case page, and how often an account was named before."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Text, func, literal, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts.domain import Handle
from services.triage.reports.domain import HISTORY_DAYS, HISTORY_LIMIT
from services.triage.reports.tables import Report


async def get(session: AsyncSession, report_id: UUID) -> Report:
    """Return one report with everything in it. Show its personal columns only to who may see case content."""
    return await session.get_one(Report, report_id)


async def earlier_reports(session: AsyncSession, handles: Iterable[Handle], now: datetime) -> Mapping[Handle, int]:
    """Count recent reports that name each of `handles`, up to the limit, in one statement."""
    by_text = {str(handle): handle for handle in sorted(set(handles))}
    if not by_text:
        return {}
    named = func.unnest(literal(list(by_text), ARRAY(Text))).table_valued("handle").render_derived()
    recent = (
        select(literal(1).label("one"))
        .where(
            Report.accounts.contains(array([named.c.handle])),
            Report.submitted_at > now - timedelta(days=HISTORY_DAYS),
        )
        .limit(HISTORY_LIMIT)
        .lateral()
    )
    rows = await session.execute(select(named.c.handle, func.count(recent.c.one)).select_from(named).join(recent, literal(True)).group_by(named.c.handle))
    return {by_text[text]: count for text, count in rows}
