"""Stores decisions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.routing.domain import Decision
from services.triage.routing.tables import StoredDecision
from shared.db.bulk import copy_in


async def store(session: AsyncSession, decisions: Sequence[tuple[UUID, Decision]], now: datetime) -> None:
    """Store the decision of each case, in one statement."""
    await copy_in(session, StoredDecision.table(), [_row(case_id, decision, now) for case_id, decision in decisions])


def _row(case_id: UUID, decision: Decision, now: datetime) -> dict[str, object]:
    by_name = {name: value for name, value in vars(decision).items() if name in _COLUMNS}
    return {**by_name, "facts": decision.facts.to_json(), "case_id": case_id, "decided_at": now}


_COLUMNS = frozenset(StoredDecision.table().c.keys())
