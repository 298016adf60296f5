"""Reads who has acknowledged what."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.awareness.domain import KEYS, Awareness
from services.notifier.awareness.tables import AcknowledgedDocumentRow
from shared.ids import StaffId


async def awareness_of(session: AsyncSession, staff_ids: Collection[StaffId], version: str) -> dict[StaffId, Awareness]:
    """Return what each of these people has acknowledged of `version`."""
    done: dict[StaffId, dict[str, datetime]] = defaultdict(dict)
    rows = await session.scalars(
        select(AcknowledgedDocumentRow).where(
            AcknowledgedDocumentRow.staff_id.in_(staff_ids), AcknowledgedDocumentRow.version == version
        )
    )
    for row in rows:
        if row.document in KEYS:
            done[StaffId(row.staff_id)][row.document] = row.at
    return {staff_id: Awareness(done[staff_id]) for staff_id in staff_ids}
