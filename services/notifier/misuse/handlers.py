"""What managers do with misuse cases, and how an assignment is passed on or ends."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.handlers import Escalation
from services.notifier.misuse.tables import AssignmentRow, FindingRow
from shared.events.envelope import NewEvent
from shared.events.notifier import ManagerActionRecorded, ManagerAssigned, SirtReferralRequested
from shared.events.vocabulary import ManagerAction, MisuseBehaviour
from shared.ids import CaseId, Ids, StaffId
from shared.messaging.outbox import Outbox


class NotAssignedToThem(Exception):
    """The case is not with this manager: for them it does not exist."""


class AlreadyDone(Exception):
    """The manager did this before, or the case is finished or with another team."""


@dataclass(frozen=True, slots=True)
class ActionTaken:
    """What a manager says they did: category and day, nothing else (R-d)."""

    action: ManagerAction
    acted_on: date


async def record_action(
    session: AsyncSession, case_id: CaseId, manager: StaffId, done: ActionTaken, now: datetime, *, outbox: Outbox
) -> UUID:
    """Record what the assigned manager did; returns the alert that asked for it.

    Raises:
        NotAssignedToThem: another manager's case, or none.
        AlreadyDone: an action was recorded before, or the case is no longer theirs.
    """
    row = await _own(session, case_id, manager)
    if row.action is not None:
        raise AlreadyDone
    row.action, row.acted_on, row.recorded_at = done.action.value, done.acted_on, now
    fact = ManagerActionRecorded(
        case_id=case_id, report_id=row.report_id, at=now, manager=manager, action=done.action, acted_on=done.acted_on
    )
    await outbox.append(session, [NewEvent.of(case_id, fact, key=row.report_id)], now)
    return row.alert_id


async def refer_to_sirt(
    session: AsyncSession, case_id: CaseId, manager: StaffId, now: datetime, *, outbox: Outbox
) -> UUID:
    """Refer the case to SIRT (R-c); returns the alert that asked for it.

    Raises:
        NotAssignedToThem: another manager's case, or none.
        AlreadyDone: it was referred before, or the case is no longer theirs.
    """
    row = await _own(session, case_id, manager)
    if row.referred_at is not None:
        raise AlreadyDone
    row.referred_at = now
    fact = SirtReferralRequested(case_id=case_id, report_id=row.report_id, at=now, manager=manager)
    await outbox.append(session, [NewEvent.of(case_id, fact, key=row.report_id)], now)
    return row.alert_id


async def record_finding(
    session: AsyncSession,
    manager: StaffId,
    person: StaffId,
    category: MisuseBehaviour,
    found_on: date,
    now: datetime,
    *,
    ids: Ids,
) -> None:
    """Record what a manager found about one of their people without a report. No one else is told."""
    session.add(
        FindingRow(
            finding_id=ids.uuid(),
            manager=manager,
            person=person,
            category=category.value,
            found_on=found_on,
            recorded_at=now,
        )
    )
    await session.flush()


async def pass_on(
    session: AsyncSession, case_id: CaseId, passed_on: Escalation, now: datetime, *, outbox: Outbox
) -> None:
    """Give the case to the person its alert was passed on to; to no manager where that is the desk."""
    row = await session.get(AssignmentRow, case_id, with_for_update=True)
    if row is None or row.action is not None or row.ended_at is not None:
        return
    row.manager, row.alert_id, row.assigned_at = passed_on.recipient.staff_id, passed_on.alert_id, now
    fact = ManagerAssigned(
        case_id=case_id, report_id=row.report_id, at=now, manager=row.manager, reason=passed_on.reason
    )
    await outbox.append(session, [NewEvent.of(case_id, fact, key=row.report_id)], now)


async def end(session: AsyncSession, case_ids: Collection[CaseId], now: datetime) -> None:
    """End the assignments of these cases: they are finished, or with another team."""
    if case_ids:
        await session.execute(
            update(AssignmentRow)
            .where(AssignmentRow.case_id.in_(case_ids), AssignmentRow.ended_at.is_(None))
            .values(ended_at=now)
        )


async def _own(session: AsyncSession, case_id: CaseId, manager: StaffId) -> AssignmentRow:
    row = await session.get(AssignmentRow, case_id, with_for_update=True)
    if row is None or row.manager != manager:
        raise NotAssignedToThem
    if row.ended_at is not None:
        raise AlreadyDone
    return row
