"""Reads what evidence there is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, ScalarSelect, Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.intake.evidence.domain import SCANNED_AGAIN_AFTER, EvidenceItem
from services.intake.evidence.tables import EvidenceRow, UploadRow
from shared.events.intake import EvidenceRemoved
from shared.events.vocabulary import AddedBy, Scan
from shared.messaging.tables import outbox

ByReport: TypeAlias = Mapping[UUID, tuple[EvidenceItem, ...]]
_ROW = EvidenceRow
_ITEM = TypeAdapter(EvidenceItem)
_NAMES = tuple(one.name for one in fields(EvidenceItem))


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A piece of evidence, and what its bytes must be."""

    item: EvidenceItem
    object_name: str


async def items_of(session: AsyncSession, report_ids: Sequence[UUID]) -> ByReport:
    """Return what reporters sent with each of `report_ids` and did not take back, oldest first."""
    wanted = select(_ROW).where(
        _ROW.report_id.in_(report_ids), _ROW.added_by == AddedBy.REPORTER, _ROW.removed_at.is_(None)
    )
    found: dict[UUID, tuple[EvidenceItem, ...]] = {}
    for row in await session.scalars(wanted.order_by(_ROW.added_at, _ROW.evidence_id)):
        found[row.report_id] = (*found.get(row.report_id, ()), item_of(row))
    return found


async def sent_kinds(session: AsyncSession, report_id: UUID) -> Mapping[UUID, str]:
    """Return the media type of each piece that the reporter ever sent, oldest first, also of those taken back."""
    wanted = select(_ROW.evidence_id, _ROW.media_type).where(
        _ROW.report_id == report_id, _ROW.added_by == AddedBy.REPORTER
    )
    rows = await session.execute(wanted.order_by(_ROW.added_at, _ROW.evidence_id))
    return {row.evidence_id: row.media_type for row in rows}


async def stored_items(
    session: AsyncSession, report_id: UUID, evidence_ids: Sequence[UUID] = ()
) -> Sequence[StoredItem]:
    """Return what is kept of a report, from whomever, oldest first; with `evidence_ids`, only those."""
    wanted = select(_ROW).where(_ROW.report_id == report_id, _ROW.removed_at.is_(None))
    if evidence_ids:
        wanted = wanted.where(_ROW.evidence_id.in_(evidence_ids))
    rows = await session.scalars(wanted.order_by(_ROW.added_at, _ROW.evidence_id))
    return [StoredItem(item_of(row), row.object_name) for row in rows]


async def stored_after(session: AsyncSession, after: UUID | None, limit: int = 500) -> Sequence[StoredItem]:
    """Return what is kept of all reports, in the order of ids, from the one after `after`: to check all of it."""
    wanted = select(_ROW).where(_ROW.removed_at.is_(None)).order_by(_ROW.evidence_id).limit(limit)
    rows = await session.scalars(wanted.where(_ROW.evidence_id > after) if after else wanted)
    return [StoredItem(item_of(row), row.object_name) for row in rows]


async def removals(session: AsyncSession, evidence_ids: Sequence[UUID]) -> Mapping[UUID, datetime | None]:
    """Return those of `evidence_ids` that were ever kept, and when each was taken back or erased; None: it is kept."""
    rows = await session.execute(select(_ROW.evidence_id, _ROW.removed_at).where(_ROW.evidence_id.in_(evidence_ids)))
    return {row.evidence_id: row.removed_at for row in rows}


async def removals_told(session: AsyncSession, report_ids: Collection[UUID], since: datetime) -> set[UUID]:
    """Return the evidence of these reports of whose removal an event was written after `since`."""
    told = outbox.c
    values = select(told.value).where(
        told.subject.in_(report_ids), told.type == EvidenceRemoved.TYPE, told.recorded_at > since
    )
    found = await session.scalars(values.where(told.value.is_not(None)))
    return {EvidenceRemoved.model_validate_json(value).evidence_id for value in found}


async def next_unscanned(session: AsyncSession, now: datetime) -> StoredItem | None:
    """Return what is kept, was not scanned, and was not tried lately."""
    lately = now - SCANNED_AGAIN_AFTER
    wanted = select(_ROW).where(_ROW.scan == Scan.NOT_SCANNED, _ROW.removed_at.is_(None))
    due = wanted.where(or_(_ROW.scanned_at.is_(None), _ROW.scanned_at < lately))
    row = await session.scalar(due.order_by(_ROW.scanned_at.nulls_first()).limit(1))
    return StoredItem(item_of(row), row.object_name) if row else None


async def known_objects(session: AsyncSession, names: Sequence[str]) -> frozenset[str]:
    """Return those of `names` that evidence or an upload needs."""
    kept = select(_ROW.object_name).where(_ROW.object_name.in_(names), _ROW.removed_at.is_(None))
    part = select(func.unnest(UploadRow.parts)).where(UploadRow.parts.op("&&")(cast(names, ARRAY(Text))))
    return frozenset((await session.scalars(kept.union(part))).all())


def waiting_bytes(beside: type[UploadRow] | None = None, *, in_forms: bool = False) -> ScalarSelect[int]:
    """Return how to sum the bytes that wait. What was declared and did not come takes no one's room.

    With `beside`, the row of a statement, only those of the same form or report; or only those of all forms.
    """
    row = aliased(UploadRow)
    waits = select(func.coalesce(func.sum(row.received), 0)).where(row.attached_at.is_(None))
    if beside:
        waits = waits.where(or_(row.ticket == beside.ticket, row.report_id == beside.report_id))
    if in_forms:
        waits = waits.where(row.ticket.is_not(None))
    return waits.correlate(UploadRow).scalar_subquery()


def item_of(row: EvidenceRow) -> EvidenceItem:
    """Return a row as its reporter may see it."""
    return _ITEM.validate_python({name: getattr(row, name) for name in _NAMES})
