"""Reads who stepped back from a case."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries as cases
from services.triage.cases.access import conflict_key
from shared.audit import chain


@dataclass(frozen=True, slots=True)
class Conflict:
    """A conflict of interest that stands."""

    staff_id: str
    declared_at: datetime


async def conflicts(session: AsyncSession, case_id: UUID) -> list[Conflict]:
    """Return the conflicts of interest that stand on a case, oldest first; for its leads alone."""
    keys = await cases.conflicts_in(session, case_id)
    if not keys:
        return []
    declared = [one for one in await chain.read(session, case_id) if one.action == "conflict_declared"]
    newest = {conflict_key(one.actor): Conflict(one.actor, one.at) for one in declared}
    return [conflict for key, conflict in newest.items() if key in keys]
