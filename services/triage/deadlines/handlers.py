"""Stores clocks. The caller holds the row lock of the case."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.deadlines.domain import Clock
from services.triage.deadlines.tables import Deadline

_CHANGING = (
    "started_at",
    "due_at",
    "at_risk_at",
    "round_the_clock",
    "paused_at",
    "met_at",
    "at_risk_told_at",
    "missed_at",
)


async def save(session: AsyncSession, clocks: Sequence[tuple[UUID, Clock]]) -> None:
    """Store each clock of its case, new or changed, in one statement."""
    if not clocks:
        return
    statement = insert(Deadline.table())
    upsert = statement.on_conflict_do_update(
        index_elements=[Deadline.case_id, Deadline.kind],
        set_={name: statement.excluded[name] for name in _CHANGING},
    )
    await session.execute(
        upsert,
        [
            {"case_id": case_id, "kind": clock.kind} | {name: getattr(clock, name) for name in _CHANGING}
            for case_id, clock in clocks
        ],
    )
