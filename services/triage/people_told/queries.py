"""Reads who was told about a report, as far as the viewer may know."""

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.people_told.domain import Told
from services.triage.people_told.tables import ToldAlert

MOST = 500
"""The most alerts that are shown of one report."""
_TOLD = TypeAdapter(Told)


async def of_case(session: AsyncSession, viewer: Viewer, case: Case) -> list[Told]:
    """Return the alerts about the report of a case that the viewer sees, oldest first.

    Alerts name a report and not a case. Where the report has a case that the viewer may not see, they are shown only
    what follows from the report alone: another alert would tell them of that case.
    """
    row = ToldAlert.table()
    wanted = select(row).where(row.c.report_id == case.report_id).order_by(row.c.decided_at, row.c.alert_id)
    rows = (await session.execute(wanted.limit(MOST))).mappings()
    told = [_TOLD.validate_python(dict(found)) for found in rows]
    if await cases.sees_all_of_report(session, viewer, case.report_id):
        return told
    return [one for one in told if one.of_the_report]
