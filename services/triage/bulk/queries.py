"""Reads bulk actions: what is still to be done, what became of each case, and whom one would affect."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.triage.bulk.domain import Action, BulkNotFound, Forecast, State, forecast, undo_until
from services.triage.bulk.tables import BulkItem, BulkRow
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from shared.events.vocabulary import Outcome, Team


@dataclass(frozen=True, slots=True)
class Item:
    """One case of a bulk action."""

    case_id: UUID
    version: int
    """The version that the person read."""
    made: int | None
    """The version that the action made; None if it is still to be done, or was refused."""
    problem: str | None
    """Why it was refused."""
    undo: str | None
    """What came of undoing it: empty if the case is as it was, otherwise why not."""


@dataclass(frozen=True, slots=True)
class DoneItem:
    """One case that a bulk action changed."""

    case_id: UUID
    made: int
    """The version that the action made."""
    before: Mapping[str, object]
    """The fields that it changed, as they were."""
    clocks: Sequence[Mapping[str, object]]
    """The deadlines as they were."""
    follows: UUID | None
    """The chosen case that it is merged into, if it was changed with that one."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk action as the person who asked for it sees it."""

    bulk_id: UUID
    action: Action
    state: State
    total: int
    asked_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    team: Team | None
    outcome: Outcome | None
    more: bool
    """Whether the view that was chosen has more cases than one bulk action takes."""
    items: tuple[Item, ...]

    @property
    def undo_until(self) -> datetime | None:
        """Until when it can be undone; None if nothing of it can be."""
        any_done = any(item.made is not None for item in self.items)
        return undo_until(self.action, self.finished_at) if any_done and self.state is State.DONE else None


_BULK, _ITEM, _DONE = TypeAdapter(Bulk), TypeAdapter(Item), TypeAdapter(DoneItem)


async def of_person(session: AsyncSession, subject: str, bulk_id: UUID) -> Bulk:
    """Return a bulk action that this person asked for, with what became of each case.

    Raises:
        BulkNotFound: there is none of theirs.
    """
    theirs = select(BulkRow.table()).where(BulkRow.bulk_id == bulk_id, BulkRow.asked_by == subject)
    row = (await session.execute(theirs)).mappings().first()
    if row is None:
        raise BulkNotFound
    items = await session.execute(_chosen(bulk_id))
    return _BULK.validate_python({**row, "items": [_ITEM.validate_python(dict(one)) for one in items.mappings()]})


@dataclass(frozen=True, slots=True)
class Begun:
    """A bulk action in the list of a person's own."""

    bulk_id: UUID
    action: Action
    state: State
    total: int
    asked_at: datetime
    finished_at: datetime | None

    @property
    def undo_until(self) -> datetime | None:
        """Until when it can be undone, if anything of it can be."""
        return undo_until(self.action, self.finished_at) if self.state is State.DONE else None

    def may_undo(self, now: datetime) -> bool:
        """Return whether it can still be undone, as far as this says."""
        return self.undo_until is not None and now <= self.undo_until


_BEGUN = TypeAdapter(Begun)


async def last_of_person(session: AsyncSession, subject: str, limit: int) -> list[Begun]:
    """Return the newest bulk actions that this person began."""
    row = BulkRow.table()
    begun = select(row).where(row.c.asked_by == subject, row.c.state != State.DRAFT).order_by(row.c.asked_at.desc())
    return [_BEGUN.validate_python(dict(one)) for one in (await session.execute(begun.limit(limit))).mappings()]


async def to_do(session: AsyncSession, bulk_id: UUID, limit: int, only: Collection[UUID] | None = None) -> list[Item]:
    """Return the next cases to be done, or those of `only` that are to be done, in the order of their ids."""
    left = _chosen(bulk_id).where(BulkItem.made.is_(None), BulkItem.problem.is_(None)).limit(limit)
    if only is not None:
        left = left.where(BulkItem.case_id.in_(only))
    return [_ITEM.validate_python(dict(row)) for row in (await session.execute(left)).mappings()]


async def done(session: AsyncSession, bulk_id: UUID) -> list[DoneItem]:
    """Return the cases that were changed and not put back, with what they were before; those that followed are last."""
    changed = _of(bulk_id, BulkItem.made, BulkItem.before, BulkItem.clocks, BulkItem.follows).where(
        BulkItem.made.is_not(None), BulkItem.undo.is_(None)
    )
    return [_DONE.validate_python(dict(row)) for row in (await session.execute(changed)).mappings()]


def _chosen(bulk_id: UUID) -> Select[Any]:
    columns = (BulkItem.version, BulkItem.made, BulkItem.problem, BulkItem.undo)
    return _of(bulk_id, *columns).where(BulkItem.chosen)


def _of(bulk_id: UUID, *columns: InstrumentedAttribute[Any]) -> Select[Any]:
    return (
        select(BulkItem.case_id, *columns)
        .where(BulkItem.bulk_id == bulk_id)
        .order_by(BulkItem.follows.is_not(None), BulkItem.case_id)
    )


async def would_affect(
    session: AsyncSession, viewer: Viewer, bulk: Bulk, now: datetime, refused: Collection[type[Exception]]
) -> Forecast:
    """Return whom a bulk action would affect, as far as the viewer may see the cases."""
    chosen = {item.case_id: item.version for item in bulk.items}
    found = await cases.visible(session, viewer, chosen)
    pairs = [(case, chosen[case.case_id]) for case in found]
    return forecast(bulk.action, pairs, len(chosen) - len(found), viewer.actor, now, tuple(refused))


async def references(session: AsyncSession, viewer: Viewer, bulk: Bulk) -> Mapping[UUID, str]:
    """Return the references of its cases: those that the viewer may see, and those that they changed with it."""
    changed = [item.case_id for item in bulk.items if item.made is not None]
    return await cases.references(session, viewer, [item.case_id for item in bulk.items], own=changed)
