"""Reads clocks, for one case or for a page of them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.deadlines.domain import Clock
from services.triage.deadlines.tables import Deadline
from shared.events.vocabulary import DeadlineKind


async def of_cases(session: AsyncSession, case_ids: Sequence[UUID]) -> Mapping[UUID, list[Clock]]:
    """Return the clocks of each case, in one statement."""
    wanted = select(Deadline).where(Deadline.case_id.in_(case_ids)).order_by(Deadline.case_id, Deadline.kind)
    rows = await session.scalars(wanted.execution_options(populate_existing=True))  # `save` goes past the session
    clocks: dict[UUID, list[Clock]] = {case_id: [] for case_id in case_ids}
    for row in rows:
        clocks[row.case_id].append(_clock(row))
    return clocks


def _clock(row: Deadline) -> Clock:
    return Clock(
        kind=DeadlineKind(row.kind),
        started_at=row.started_at,
        due_at=row.due_at,
        at_risk_at=row.at_risk_at,
        round_the_clock=row.round_the_clock,
        paused_at=row.paused_at,
        met_at=row.met_at,
        at_risk_told_at=row.at_risk_told_at,
        missed_at=row.missed_at,
    )
