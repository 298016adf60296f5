"""Reads the deadlines of one case or of a page of cases."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.deadlines.domain import Deadline
from services.triage.deadlines.tables import DeadlineRow

_DEADLINE = TypeAdapter(Deadline)


async def of_cases(session: AsyncSession, case_ids: Sequence[UUID]) -> Mapping[UUID, list[Deadline]]:
    """Return the deadlines of each case, in one statement."""
    table = DeadlineRow.table()
    wanted = select(table).where(table.c.case_id.in_(case_ids)).order_by(table.c.case_id, table.c.kind)
    deadlines: dict[UUID, list[Deadline]] = {case_id: [] for case_id in case_ids}
    for row in (await session.execute(wanted)).mappings():
        deadlines[row["case_id"]].append(_DEADLINE.validate_python(dict(row)))
    return deadlines
