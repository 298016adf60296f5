"""Stores clocks. The caller holds the row lock of the case."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.deadlines.domain import Clock
from services.triage.deadlines.tables import Deadline
from shared.db.bulk import copy_in

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


async def start(session: AsyncSession, clocks: Sequence[tuple[UUID, Clock]]) -> None:
    """Store the clocks of cases that are new, in one statement."""
    await copy_in(session, Deadline.table(), [_row(case_id, clock) for case_id, clock in clocks])


async def save(session: AsyncSession, clocks: Sequence[tuple[UUID, Clock]]) -> None:
    """Store each clock of its case, new or changed, in one statement."""
    if not clocks:
        return
    statement = insert(Deadline.table())
    upsert = statement.on_conflict_do_update(
        index_elements=[Deadline.case_id, Deadline.kind],
        set_={name: statement.excluded[name] for name in _CHANGING},
    )
    await session.execute(upsert, [_row(case_id, clock) for case_id, clock in clocks])


def _row(case_id: UUID, clock: Clock) -> dict[str, object]:
    return {"case_id": case_id, "kind": clock.kind} | {name: getattr(clock, name) for name in _CHANGING}
