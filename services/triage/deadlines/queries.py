"""Reads the deadlines of one case or of a page of cases."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Subquery, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.deadlines.domain import Deadline
from services.triage.deadlines.tables import DeadlineRow
from shared.messaging.auditor import Step

_DEADLINE = TypeAdapter(Deadline)


_UNWARNED = (DeadlineRow.met_at.is_(None), DeadlineRow.paused_at.is_(None), DeadlineRow.missed_at.is_(None))
STEPS = (
    Step("deadline_at_risk", DeadlineRow.at_risk_at, (*_UNWARNED, DeadlineRow.at_risk_told_at.is_(None))),
    Step("deadline_missed", DeadlineRow.due_at, _UNWARNED, never_later=DeadlineRow.at_risk_at),
)
"""What the sweep of deadlines owes in the course of time, for the auditor to find without it."""


async def of_cases(session: AsyncSession, case_ids: Sequence[UUID]) -> Mapping[UUID, list[Deadline]]:
    """Return the deadlines of each case, in one statement."""
    table = DeadlineRow.table()
    wanted = select(table).where(table.c.case_id.in_(case_ids)).order_by(table.c.case_id, table.c.kind)
    deadlines: dict[UUID, list[Deadline]] = {case_id: [] for case_id in case_ids}
    for row in (await session.execute(wanted)).mappings():
        deadlines[row["case_id"]].append(_DEADLINE.validate_python(dict(row)))
    return deadlines


def running() -> Subquery:
    """Return the deadlines that run now, each with its case, to be joined by other capabilities."""
    row = DeadlineRow
    unmet = select(row.case_id, row.due_at, row.at_risk_at).where(row.met_at.is_(None), row.paused_at.is_(None))
    return unmet.subquery("running")
