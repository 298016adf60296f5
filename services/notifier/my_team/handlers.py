"""Records what a person has read."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.my_team.tables import AcknowledgedDocumentRow
from shared.ids import StaffId


async def acknowledge(
    session: AsyncSession, staff_id: StaffId, documents: Collection[str], version: str, now: datetime
) -> None:
    """Record that this person has read these; an earlier record keeps its time."""
    rows = [{"staff_id": staff_id, "version": version, "document": key, "at": now} for key in sorted(documents)]
    await session.execute(insert(AcknowledgedDocumentRow).values(rows).on_conflict_do_nothing())
