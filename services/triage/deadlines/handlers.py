"""Stores deadlines. The caller holds the row lock of the case."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.deadlines.domain import Deadline
from services.triage.deadlines.tables import DeadlineRow
from shared.db.bulk import copy_in
from shared.events.vocabulary import DeadlineKind


async def start(session: AsyncSession, deadlines: Sequence[tuple[UUID, Deadline]]) -> None:
    """Store the deadlines of new cases, in one statement."""
    await copy_in(session, DeadlineRow.table(), [_row(case_id, deadline) for case_id, deadline in deadlines])


async def save(session: AsyncSession, deadlines: Sequence[tuple[UUID, Deadline]]) -> None:
    """Store each new or changed deadline with its case, in one statement."""
    if not deadlines:
        return
    rows = [_row(case_id, deadline) for case_id, deadline in deadlines]
    statement = insert(DeadlineRow.table())
    key = ("case_id", "kind")
    upsert = statement.on_conflict_do_update(
        index_elements=key, set_={name: statement.excluded[name] for name in rows[0] if name not in key}
    )
    await session.execute(upsert, rows)


async def remove(session: AsyncSession, gone: Collection[tuple[UUID, DeadlineKind]]) -> None:
    """Delete deadlines that an undone change had started, in one statement."""
    if gone:
        table = DeadlineRow.table()
        await session.execute(delete(table).where(tuple_(table.c.case_id, table.c.kind).in_(gone)))


def _row(case_id: UUID, deadline: Deadline) -> dict[str, object]:
    return {"case_id": case_id, **vars(deadline)}
