"""Reads which misuse cases a manager has, and what they recorded."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.misuse.tables import AssignmentRow, FindingRow
from shared.events.vocabulary import ManagerAction, MisuseBehaviour
from shared.ids import AlertId, CaseId, StaffId


class AssignedCase(BaseModel):
    """A misuse case, as its manager's list shows it."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    case_id: CaseId
    reference: str
    alert_id: AlertId
    assigned_at: datetime
    action: ManagerAction | None
    acted_on: date | None
    referred_at: datetime | None
    ended_at: datetime | None


class FindingView(BaseModel):
    """What a manager found without a report."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    person: StaffId
    category: MisuseBehaviour
    found_on: date


async def with_manager(
    session: AsyncSession, manager: StaffId, *, finished: bool, limit: int
) -> Sequence[AssignedCase]:
    """Return cases of a manager: the oldest that they work on, or the newest that are done or with another team."""
    over = or_(AssignmentRow.action.is_not(None), AssignmentRow.ended_at.is_not(None))
    rows = await session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.manager == manager, over if finished else ~over)
        .order_by(AssignmentRow.assigned_at.desc() if finished else AssignmentRow.assigned_at, AssignmentRow.case_id)
        .limit(limit)
    )
    return [AssignedCase.model_validate(row) for row in rows]


async def open_case(session: AsyncSession, case_id: CaseId, manager: StaffId | None) -> AssignedCase | None:
    """Return the case if this manager works on it; None for another manager's case, as for a missing one."""
    row = await session.get(AssignmentRow, case_id)
    return AssignedCase.model_validate(row) if row and manager and row.manager == manager else None


async def findings_of(session: AsyncSession, manager: StaffId, *, limit: int) -> Sequence[FindingView]:
    """Return the newest findings that a manager recorded."""
    rows = await session.scalars(
        select(FindingRow)
        .where(FindingRow.manager == manager)
        .order_by(FindingRow.found_on.desc(), FindingRow.finding_id.desc())
        .limit(limit)
    )
    return [FindingView.model_validate(row) for row in rows]
