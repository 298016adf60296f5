"""Reads training and vetting, for gates, pages and lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Vetting
from services.registry.eligibility.domain import Clearance, Completion, TrainingRecord, VettingRecord
from services.registry.eligibility.tables import TrainingRow, VettingRow
from services.registry.tables import by_asked_staff_id, names_one_of
from shared.ids import StaffId

PAGE = 50


@dataclass(frozen=True, slots=True)
class TrainingPage:
    """One page of records, the newest first."""

    items: tuple[TrainingRecord, ...]
    next_cursor: UUID | None


async def last_completed(session: AsyncSession, staff_ids: Sequence[str]) -> dict[str, date]:
    """Return when each of these people last completed training; people without any are left out."""
    person = func.lower(TrainingRow.staff_id)
    rows = await session.execute(
        select(person.label("person"), func.max(TrainingRow.completed_on).label("day"))
        .where(names_one_of(TrainingRow.staff_id, staff_ids))
        .group_by(person)
    )
    return by_asked_staff_id(staff_ids, {row.person: row.day for row in rows})


async def list_training(session: AsyncSession, *, cursor: UUID | None = None, limit: int = PAGE) -> TrainingPage:
    """Return the page that starts after `cursor`, the id of the last one seen."""
    key = (TrainingRow.recorded_at, TrainingRow.id)
    statement = select(TrainingRow).order_by(*(part.desc() for part in key)).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(tuple_(*key) < select(*key).where(TrainingRow.id == cursor).scalar_subquery())
    rows = (await session.scalars(statement)).all()
    items = tuple(map(training_of, rows[:limit]))
    return TrainingPage(items, items[-1].id if len(rows) > limit else None)


def training_of(row: TrainingRow) -> TrainingRecord:
    """Return the record that a row stores."""
    completion = Completion(StaffId(row.staff_id), row.course, row.completed_on)
    return TrainingRecord(row.id, completion, row.recorded_by, row.recorded_at)


@dataclass(frozen=True, slots=True)
class VettingPage:
    """One page of records, the newest first."""

    items: tuple[VettingRecord, ...]
    next_cursor: UUID | None


async def clearances(session: AsyncSession, staff_ids: Sequence[str]) -> dict[str, Clearance]:
    """Return the current vetting of each of these people; people without a record are left out."""
    person = func.lower(VettingRow.staff_id)
    rows = await session.scalars(
        select(VettingRow)
        .where(names_one_of(VettingRow.staff_id, staff_ids))
        .ext(distinct_on(person))
        .order_by(person, VettingRow.recorded_at.desc(), VettingRow.id.desc())
    )
    return by_asked_staff_id(staff_ids, {row.staff_id: vetting_of(row).clearance for row in rows})


async def list_vetting(session: AsyncSession, *, cursor: UUID | None = None, limit: int = PAGE) -> VettingPage:
    """Return the page that starts after `cursor`, the id of the last one seen."""
    key = (VettingRow.recorded_at, VettingRow.id)
    statement = select(VettingRow).order_by(*(part.desc() for part in key)).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(tuple_(*key) < select(*key).where(VettingRow.id == cursor).scalar_subquery())
    rows = (await session.scalars(statement)).all()
    items = tuple(map(vetting_of, rows[:limit]))
    return VettingPage(items, items[-1].id if len(rows) > limit else None)


def vetting_of(row: VettingRow) -> VettingRecord:
    """Return the record that a row stores."""
    level = None if row.level is None else Vetting(row.level)
    clearance = Clearance(StaffId(row.staff_id), level, row.expires_on)
    return VettingRecord(row.id, clearance, row.recorded_by, row.recorded_at)
