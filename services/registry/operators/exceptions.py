"""Dated Security Policy Exceptions: granted, ended, and over by themselves (D-pia, C-e)."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from services.registry.accounts.changes import note
from services.registry.accounts.domain import Account
from services.registry.context.domain import Fault, Refused, end_of, same_person
from services.registry.context.work import Work
from services.registry.operators.domain import LONGEST_EXCEPTION_DAYS, Operator, needs_device
from services.registry.operators.handlers import OperatorChangedMeanwhile, OwnGates, UnknownOperator, lock_operator
from services.registry.operators.queries import operator_of
from services.registry.operators.reconsidering import re_evaluate
from services.registry.operators.tables import ExceptionRow, OperatorRow
from shared.audit.chain import Change

__all__ = ["ExceptionRefused", "Grant", "NoException", "OperatorChangedMeanwhile", "UnknownOperator", "end", "grant"]


class ExceptionRefused(Refused):
    """The account has no device rule, or the last day is not acceptable."""


class NoException(LookupError):
    """The operator has no exception that could end."""


@dataclass(frozen=True, slots=True)
class Grant:
    """An exception for an operator, until the end of its last day."""

    operator_id: UUID
    version: int
    last_day: date
    reason: str


async def grant(work: Work, wanted: Grant) -> Operator:
    """Grant a dated exception from the device rule; it takes the place of one that is live.

    Raises:
        UnknownOperator, OperatorChangedMeanwhile: as the names say.
        OwnGates: it is for whoever grants it.
        ExceptionRefused: the account has no device rule, or the last day is not acceptable.
    """
    account, row = await lock_operator(work, wanted.operator_id, wanted.version)
    if same_person(row.staff_id, work.person):
        raise OwnGates
    _check(work, account, wanted.last_day)
    if live := await _live(work, row.id):
        live.ended_at, live.ended_how = work.now, "replaced"
        await work.session.flush()
    work.session.add(
        ExceptionRow(
            id=work.ids.uuid(),
            operator_id=row.id,
            last_day=wanted.last_day,
            ends_at=end_of(wanted.last_day),
            reason=wanted.reason,
            granted_by=work.person,
            granted_at=work.now,
        )
    )
    after = {"last_day": wanted.last_day.isoformat()}
    return await _changed(work, account, row, Change("exception_granted", work.actor, wanted.reason, after=after))


async def end(work: Work, operator_id: UUID, version: int, reason: str) -> Operator:
    """End a live exception before its date.

    Raises:
        UnknownOperator, OperatorChangedMeanwhile: as the names say.
        NoException: there is none.
    """
    account, row = await lock_operator(work, operator_id, version)
    live = await _live(work, row.id)
    if live is None:
        raise NoException
    live.ended_at, live.ended_how = work.now, "ended"
    return await _changed(work, account, row, Change("exception_ended", work.actor, reason))


async def _changed(work: Work, account: Account, row: OperatorRow, change: Change) -> Operator:
    row.version, row.changed_at = row.version + 1, work.now
    await work.session.flush()
    about = Change(change.action, change.actor, change.reason, after=change.after, personal={"operator": row.staff_id})
    await note(work, [(account.id, about)])
    await re_evaluate(work, [account])
    return operator_of(row)


async def _live(work: Work, operator_id: UUID) -> ExceptionRow | None:
    found = await work.session.scalars(
        select(ExceptionRow).where(ExceptionRow.operator_id == operator_id, ExceptionRow.ended_at.is_(None))
    )
    return found.one_or_none()


def _check(work: Work, account: Account, last_day: date) -> None:
    if not needs_device(account.registration):
        raise ExceptionRefused(Fault("last_day", "This account has no device rule, so there is nothing to except"))
    if last_day < work.today:
        raise ExceptionRefused(Fault("last_day", "Enter a day that is not in the past"))
    if last_day > work.today + timedelta(days=LONGEST_EXCEPTION_DAYS):
        raise ExceptionRefused(Fault("last_day", f"An exception lasts at most {LONGEST_EXCEPTION_DAYS} days"))
