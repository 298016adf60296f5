"""Queries of operators, their exceptions and removal tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account
from services.registry.context.domain import Periods, months_later
from services.registry.eligibility.queries import clearances, last_completed
from services.registry.operators.domain import Device, Gate, GateRecord, Operator, OperatorState, gates
from services.registry.operators.tables import ExceptionRow, OperatorRow, RemovalRow
from services.registry.tables import names_one_of
from shared.events.vocabulary import AccountClass, WithdrawalReason
from shared.ids import AccountId, StaffId, folded_id


@dataclass(frozen=True, slots=True)
class Removal:
    """Platform access that must be removed."""

    id: UUID
    operator: Operator
    because: WithdrawalReason
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorWithGates:
    """An operator, with today's state of their gates, and whether platform access is still open."""

    operator: Operator
    gates: tuple[Gate, ...]
    exception_until: date | None
    """The last day of a live exception."""
    removal: Removal | None

    @property
    def removal_task(self) -> UUID | None:
        """The open task to remove access on the platform."""
        return self.removal.id if self.removal else None


async def operators_of(
    session: AsyncSession, account: Account, periods: Periods, today: date
) -> list[OperatorWithGates]:
    """Return the operators of an account with their gates."""
    rows = await session.scalars(
        select(OperatorRow).where(OperatorRow.account_id == account.id).order_by(OperatorRow.named_at, OperatorRow.id)
    )
    operators = list(map(operator_of, rows))
    records = await gate_records(session, operators, periods)
    open_removals = {removal.operator.id: removal for removal in await open_removals_of(session, [account.id])}
    live = await _live_exceptions(session, [operator.id for operator in operators])
    return [
        OperatorWithGates(
            operator,
            gates(account.registration, records[operator.id], today),
            live.get(operator.id),
            open_removals.get(operator.id),
        )
        for operator in operators
    ]


async def get_operator(session: AsyncSession, operator_id: UUID) -> Operator | None:
    """Return one operator."""
    row = await session.get(OperatorRow, operator_id)
    return operator_of(row) if row else None


async def operating(session: AsyncSession, staff_ids: Sequence[str]) -> list[UUID]:
    """Return the accounts that these people are named for."""
    found = select(OperatorRow.account_id).where(names_one_of(OperatorRow.staff_id, staff_ids)).distinct()
    return list(await session.scalars(found))


async def named_for(session: AsyncSession, account_ids: Sequence[UUID]) -> set[tuple[UUID, str]]:
    """Return the people named for these accounts, as pairs of account and folded staff id."""
    rows = await session.execute(
        select(OperatorRow.account_id, OperatorRow.staff_id).where(OperatorRow.account_id.in_(account_ids))
    )
    return {(account_id, folded_id(staff_id)) for account_id, staff_id in rows}


async def authorised_people(session: AsyncSession) -> list[str]:
    """Return the staff ids of everyone who may operate an account now."""
    found = select(OperatorRow.staff_id).where(OperatorRow.state == OperatorState.AUTHORISED).distinct()
    return list(await session.scalars(found))


async def open_removals_of(session: AsyncSession, account_ids: Sequence[UUID] | None = None) -> list[Removal]:
    """Return the open removal tasks of these accounts, or of all, the oldest first."""
    wanted: ColumnElement[bool] = true() if account_ids is None else OperatorRow.account_id.in_(account_ids)
    rows = await session.execute(
        select(RemovalRow, OperatorRow)
        .join(OperatorRow, OperatorRow.id == RemovalRow.operator_id)
        .where(RemovalRow.done_at.is_(None), wanted)
        .order_by(RemovalRow.opened_at, RemovalRow.id)
        .limit(200)
    )
    return [Removal(task.id, operator_of(row), WithdrawalReason(task.because), task.opened_at) for task, row in rows]


async def gate_records(
    session: AsyncSession, operators: Sequence[Operator], periods: Periods
) -> Mapping[UUID, GateRecord]:
    """Return the records about these operators, in three queries for any number of them."""
    staff_ids = sorted({operator.staff_id for operator in operators})
    completed = await last_completed(session, staff_ids)
    vetted = await clearances(session, staff_ids)
    exceptions = await _newest_exceptions(session, [operator.id for operator in operators])
    found = {}
    for operator in operators:
        day = completed.get(operator.staff_id)
        found[operator.id] = GateRecord(
            trained_until=months_later(day, periods.training_months) if day else None,
            clearance=vetted.get(operator.staff_id),
            device=operator.device,
            exception_until=exceptions.get(operator.id),
        )
    return found


def operator_of(row: OperatorRow) -> Operator:
    """Return the operator that a row stores."""
    return Operator(
        id=row.id,
        account_id=AccountId(row.account_id),
        staff_id=StaffId(row.staff_id),
        state=OperatorState(row.state),
        wanted=row.wanted,
        device=None if row.device is None else Device(row.device),
        reason=None if row.reason is None else WithdrawalReason(row.reason),
        lapses_at=row.lapses_at,
        version=row.version,
        changed_at=row.changed_at,
    )


async def _newest_exceptions(session: AsyncSession, operator_ids: Sequence[UUID]) -> dict[UUID, date]:
    """Return the last day of the newest exception of each operator: live, or ended by its date."""
    rows = await session.execute(
        select(ExceptionRow.operator_id, ExceptionRow.last_day, ExceptionRow.ended_how)
        .where(ExceptionRow.operator_id.in_(operator_ids))
        .ext(distinct_on(ExceptionRow.operator_id))
        .order_by(ExceptionRow.operator_id, ExceptionRow.granted_at.desc(), ExceptionRow.id.desc())
    )
    return {operator_id: last_day for operator_id, last_day, how in rows if how in {None, "expired"}}


async def _live_exceptions(session: AsyncSession, operator_ids: Sequence[UUID]) -> dict[UUID, date]:
    rows = await session.execute(
        select(ExceptionRow.operator_id, ExceptionRow.last_day).where(
            ExceptionRow.operator_id.in_(operator_ids), ExceptionRow.ended_at.is_(None)
        )
    )
    return {row.operator_id: row.last_day for row in rows}


async def in_state(
    session: AsyncSession, account_ids: Sequence[UUID], states: Sequence[OperatorState]
) -> list[Operator]:
    """Return the operators of these accounts that are in one of these states."""
    rows = await session.scalars(
        select(OperatorRow)
        .where(OperatorRow.account_id.in_(account_ids), OperatorRow.state.in_(states))
        .order_by(OperatorRow.changed_at, OperatorRow.id)
        .limit(200)
    )
    return list(map(operator_of, rows))


async def without_device(session: AsyncSession, today: date) -> list[Operator]:
    """Return the operators of individuals' accounts with neither an approved device nor a live exception."""
    excepted = select(ExceptionRow.operator_id).where(ExceptionRow.last_day >= today, ExceptionRow.ended_at.is_(None))
    rows = await session.scalars(
        select(OperatorRow)
        .where(
            OperatorRow.account_class.in_((AccountClass.PROFESSIONAL_INDIVIDUAL, AccountClass.LINKEDIN)),
            OperatorRow.wanted,
            OperatorRow.device == Device.OTHER,
            OperatorRow.reason.is_distinct_from(WithdrawalReason.ACCOUNT_CLOSED),
            OperatorRow.id.not_in(excepted),
        )
        .order_by(OperatorRow.changed_at, OperatorRow.id)
        .limit(200)
    )
    return list(map(operator_of, rows))
