"""Reads which misuse cases a manager has, and what they recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.misuse.tables import AssignmentRow, FindingRow
from shared.events.vocabulary import ManagerAction, MisuseBehaviour
from shared.ids import AlertId, CaseId, StaffId


@dataclass(frozen=True, slots=True)
class AssignedCase:
    """A misuse case as its manager's list shows it."""

    case_id: CaseId
    reference: str
    alert_id: AlertId
    assigned_at: datetime
    action: ManagerAction | None
    acted_on: date | None
    referred_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class FindingView:
    """What a manager found without a report."""

    person: StaffId
    category: MisuseBehaviour
    found_on: date


async def with_manager(
    session: AsyncSession, manager: StaffId, *, finished: bool, limit: int
) -> Sequence[AssignedCase]:
    """Return the newest cases of a manager: those that they work, or those that are done or elsewhere now."""
    over = or_(AssignmentRow.action.is_not(None), AssignmentRow.ended_at.is_not(None))
    rows = await session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.manager == manager, over if finished else ~over)
        .order_by(AssignmentRow.assigned_at.desc(), AssignmentRow.case_id)
        .limit(limit)
    )
    return [_case(row) for row in rows]


async def open_case(session: AsyncSession, case_id: CaseId, manager: StaffId | None) -> AssignedCase | None:
    """Return the case where this manager works it; somebody else's is as unknown as one that never was."""
    row = await session.get(AssignmentRow, case_id)
    return _case(row) if row and manager and row.manager == manager else None


async def findings_of(session: AsyncSession, manager: StaffId, *, limit: int) -> Sequence[FindingView]:
    """Return the newest findings that a manager recorded."""
    rows = await session.scalars(
        select(FindingRow)
        .where(FindingRow.manager == manager)
        .order_by(FindingRow.found_on.desc(), FindingRow.finding_id.desc())
        .limit(limit)
    )
    return [FindingView(StaffId(row.person), MisuseBehaviour(row.category), row.found_on) for row in rows]


def _case(row: AssignmentRow) -> AssignedCase:
    return AssignedCase(
        case_id=CaseId(row.case_id),
        reference=row.reference,
        alert_id=AlertId(row.alert_id),
        assigned_at=row.assigned_at,
        action=ManagerAction(row.action) if row.action else None,
        acted_on=row.acted_on,
        referred_at=row.referred_at,
        ended_at=row.ended_at,
    )
