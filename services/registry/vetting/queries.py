"""What gates, pages and lists read of vetting."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Vetting
from services.registry.tables import for_each, names_one_of
from services.registry.vetting.domain import Clearance, VettingRecord
from services.registry.vetting.tables import VettingRow
from shared.ids import StaffId

PAGE = 50


@dataclass(frozen=True, slots=True)
class VettingPage:
    """One page of records, the newest first."""

    items: tuple[VettingRecord, ...]
    next_cursor: UUID | None


async def clearances(session: AsyncSession, staff_ids: Sequence[str]) -> dict[str, Clearance]:
    """Return what each of these people holds now; people without any record are left out."""
    person = func.lower(VettingRow.staff_id)
    rows = await session.scalars(
        select(VettingRow)
        .where(names_one_of(VettingRow.staff_id, staff_ids))
        .ext(distinct_on(person))
        .order_by(person, VettingRow.recorded_at.desc(), VettingRow.id.desc())
    )
    return for_each(staff_ids, {row.staff_id: record_of(row).clearance for row in rows})


async def list_vetting(session: AsyncSession, *, cursor: UUID | None = None, limit: int = PAGE) -> VettingPage:
    """Return the page that begins after `cursor`, which is the id of the last one seen."""
    key = (VettingRow.recorded_at, VettingRow.id)
    statement = select(VettingRow).order_by(*(part.desc() for part in key)).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(tuple_(*key) < select(*key).where(VettingRow.id == cursor).scalar_subquery())
    rows = (await session.scalars(statement)).all()
    items = tuple(map(record_of, rows[:limit]))
    return VettingPage(items, items[-1].id if len(rows) > limit else None)


def record_of(row: VettingRow) -> VettingRecord:
    """Return the record that a row stores."""
    level = None if row.level is None else Vetting(row.level)
    clearance = Clearance(StaffId(row.staff_id), level, row.expires_on)
    return VettingRecord(row.id, clearance, row.recorded_by, row.recorded_at)
