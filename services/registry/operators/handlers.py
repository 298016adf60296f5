"""Decisions about operators: naming, devices, withdrawal, reinstatement and exceptions (D-pia, C-e)."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from services.registry.accounts.changes import lock_one, record_activities
from services.registry.accounts.domain import Account
from services.registry.context.domain import Fault, Refused, end_of, same_person
from services.registry.context.work import Work
from services.registry.operators import domain
from services.registry.operators.evaluation import re_evaluate
from services.registry.operators.queries import named_for, operator_of
from services.registry.operators.tables import ExceptionRow, OperatorRow, RemovalRow
from shared.audit.chain import Change
from shared.events.vocabulary import AccountStatus
from shared.ids import StaffId, folded_id


class UnknownOperator(LookupError):
    """No operator has this id."""


class OperatorNamed(Exception):
    """This person is already named for the account."""


class OperatorChangedMeanwhile(Exception):
    """The operator has changed since they were read."""


class NoOperatorsAllowed(Exception):
    """The account is not used officially, or not open, so no one can be authorised for it."""


class NotTheApprovedPerson(Exception):
    """Only the approved person uses an individual's account (D-pia)."""


class OwnGates(Exception):
    """A person can neither name themselves nor record what their own authorisation depends on."""


class NoSuchRemoval(LookupError):
    """There is no removal task with this id."""


class RemovalRecorded(Exception):
    """No access is open: there is evidence of its removal already."""


class ExceptionRefused(Refused):
    """The account has no device rule, or the last day is not allowed."""


class NoException(LookupError):
    """The operator has no exception that could end."""


@dataclass(frozen=True, slots=True)
class NewOperator:
    """Who is to operate an account, and on which device."""

    account_id: UUID
    staff_id: StaffId
    device: domain.Device | None = None


@dataclass(frozen=True, slots=True)
class NewException:
    """An exception for an operator, until the end of its last day."""

    operator_id: UUID
    version: int
    last_day: date
    reason: str


async def name_operator(work: Work, wanted: NewOperator) -> domain.Operator:
    """Name an operator of an account; they are authorised as long as they pass every gate (S5).

    Raises:
        UnknownAccount: there is none.
        NotYourAccount: another person is responsible for it.
        NoOperatorsAllowed, NotTheApprovedPerson: the account does not allow it.
        OwnGates: a person names themselves.
        OperatorNamed: they are already named.
    """
    account = await lock_one(work, wanted.account_id)
    work.must_answer_for(account.registration.owner)
    _must_be_operable(account, wanted.staff_id)
    _must_be_another(work, wanted.staff_id)
    if (account.id, folded_id(wanted.staff_id)) in await named_for(work.session, [account.id]):
        raise OperatorNamed
    statement = insert(OperatorRow).values(
        id=work.ids.uuid(),
        account_id=account.id,
        account_class=account.registration.account_class,
        staff_id=wanted.staff_id,
        state=domain.OperatorState.PENDING,
        wanted=True,
        device=wanted.device,
        version=1,
        named_by=work.actor,
        named_at=work.now,
        changed_at=work.now,
    )
    operator_id = (await work.session.scalars(statement.returning(OperatorRow.id))).one()
    await record_activities(work, [(account.id, _change(work, "operator_named", wanted.staff_id, wanted.device))])
    return await _re_evaluated(work, account, operator_id)


async def record_device(work: Work, operator_id: UUID, version: int, device: domain.Device) -> domain.Operator:
    """Record the device that an operator uses the account on.

    Raises:
        UnknownOperator, OperatorChangedMeanwhile, NotYourAccount, OwnGates: as the names say.
    """
    account, row = await lock_operator(work, operator_id, version)
    _must_record(work, account, row)
    row.device, row.version, row.changed_at = device, row.version + 1, work.now
    await record_activities(work, [(account.id, _change(work, "device_recorded", row.staff_id, device))])
    return await _re_evaluated(work, account, row.id)


async def withdraw(work: Work, operator_id: UUID, version: int, reason: str) -> domain.Operator:
    """Withdraw an operator by decision; their access on the platform must then be removed.

    Raises:
        UnknownOperator, OperatorChangedMeanwhile, NotYourAccount: as the names say.
    """
    account, row = await lock_operator(work, operator_id, version)
    work.must_answer_for(account.registration.owner)
    return await _decide(work, account, row, reason, wanted=False)


async def reinstate(work: Work, operator_id: UUID, version: int, reason: str) -> domain.Operator:
    """Let an operator operate the account again, once every gate is passed.

    Raises:
        UnknownOperator, OperatorChangedMeanwhile, NotYourAccount, OwnGates: as the names say.
        NoOperatorsAllowed, NotTheApprovedPerson: the account does not allow it.
    """
    account, row = await lock_operator(work, operator_id, version)
    _must_record(work, account, row)
    _must_be_operable(account, StaffId(row.staff_id))
    return await _decide(work, account, row, reason, wanted=True)


async def grant_exception(work: Work, wanted: NewException) -> domain.Operator:
    """Grant a dated exception from the device rule; it replaces a live one.

    Raises:
        UnknownOperator, OperatorChangedMeanwhile: as the names say.
        OwnGates: a person grants it to themselves.
        ExceptionRefused: the account has no device rule, or the last day is not allowed.
    """
    account, row = await lock_operator(work, wanted.operator_id, wanted.version)
    if same_person(row.staff_id, work.person):
        raise OwnGates
    _check_exception(work, account, wanted.last_day)
    if live := await _live_exception(work, row.id):
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
    return await _exception_changed(
        work, account, row, Change("exception_granted", work.actor, wanted.reason, after=after)
    )


async def end_exception(work: Work, operator_id: UUID, version: int, reason: str) -> domain.Operator:
    """End a live exception before its date.

    Raises:
        UnknownOperator, OperatorChangedMeanwhile: as the names say.
        NoException: there is none.
    """
    account, row = await lock_operator(work, operator_id, version)
    live = await _live_exception(work, row.id)
    if live is None:
        raise NoException
    live.ended_at, live.ended_how = work.now, "ended"
    return await _exception_changed(work, account, row, Change("exception_ended", work.actor, reason))


async def record_removal(work: Work, task_id: UUID, evidence: str) -> None:
    """Record the evidence that an operator's access on the platform is removed.

    Raises:
        NoSuchRemoval: there is no such task.
        RemovalRecorded, NotYourAccount, OwnGates: as the names say.
    """
    operator_id = await work.session.scalar(select(RemovalRow.operator_id).where(RemovalRow.id == task_id))
    if operator_id is None:
        raise NoSuchRemoval
    await _remove_access(work, operator_id, RemovalRow.id == task_id, evidence)


async def record_removal_of(work: Work, operator_id: UUID, evidence: str) -> None:
    """Record the evidence that the access of this operator is removed.

    Raises:
        UnknownOperator, RemovalRecorded, NotYourAccount, OwnGates: as the names say.
    """
    await _remove_access(work, operator_id, RemovalRow.operator_id == operator_id, evidence)


async def _remove_access(work: Work, operator_id: UUID, which: ColumnElement[bool], evidence: str) -> None:
    account, row = await lock_operator(work, operator_id)
    _must_record(work, account, row)
    task = await work.session.scalar(select(RemovalRow).where(which, RemovalRow.done_at.is_(None)).with_for_update())
    if task is None:
        raise RemovalRecorded
    task.done_at, task.done_how, task.done_by, task.evidence = work.now, "removed", work.actor, evidence
    await work.session.flush()
    personal = {"operator": row.staff_id, "evidence": evidence}
    await record_activities(work, [(account.id, Change("access_removed", work.actor, personal=personal))])


async def lock_operator(work: Work, operator_id: UUID, version: int | None = None) -> tuple[Account, OperatorRow]:
    """Lock an operator's account, then the operator.

    Raises:
        UnknownOperator: there is none.
        OperatorChangedMeanwhile: they have changed since they were read.
    """
    account_id = await work.session.scalar(select(OperatorRow.account_id).where(OperatorRow.id == operator_id))
    if account_id is None:
        raise UnknownOperator
    account = await lock_one(work, account_id)
    row = await work.session.get_one(OperatorRow, operator_id, with_for_update=True, populate_existing=True)
    if version is not None and row.version != version:
        raise OperatorChangedMeanwhile
    return account, row


async def _decide(work: Work, account: Account, row: OperatorRow, reason: str, *, wanted: bool) -> domain.Operator:
    row.wanted, row.version, row.changed_at = wanted, row.version + 1, work.now
    action = "operator_reinstated" if wanted else "operator_withdrawn"
    await record_activities(work, [(account.id, _change(work, action, row.staff_id, None, reason))])
    return await _re_evaluated(work, account, row.id)


async def _re_evaluated(work: Work, account: Account, operator_id: UUID) -> domain.Operator:
    await re_evaluate(work, [account])
    row = await work.session.get_one(OperatorRow, operator_id)
    return operator_of(row)


def _must_be_operable(account: Account, staff_id: StaffId) -> None:
    kept = account.registration
    if not domain.can_have_operators(kept) or kept.status is AccountStatus.FROZEN:
        raise NoOperatorsAllowed
    if domain.needs_device(kept) and kept.approved_person and not same_person(kept.approved_person, staff_id):
        raise NotTheApprovedPerson


def _must_record(work: Work, account: Account, row: OperatorRow) -> None:
    work.must_answer_for(account.registration.owner)
    _must_be_another(work, row.staff_id)


def _must_be_another(work: Work, staff_id: str) -> None:
    if same_person(staff_id, work.person):
        raise OwnGates


def _change(work: Work, action: str, staff_id: str, device: domain.Device | None, reason: str | None = None) -> Change:
    after = {"device": str(device)} if device else {}
    return Change(action, work.actor, reason=reason, after=after, personal={"operator": staff_id})


async def _exception_changed(work: Work, account: Account, row: OperatorRow, change: Change) -> domain.Operator:
    row.version, row.changed_at = row.version + 1, work.now
    await work.session.flush()
    about = Change(change.action, change.actor, change.reason, after=change.after, personal={"operator": row.staff_id})
    await record_activities(work, [(account.id, about)])
    await re_evaluate(work, [account])
    return operator_of(row)


async def _live_exception(work: Work, operator_id: UUID) -> ExceptionRow | None:
    found = await work.session.scalars(
        select(ExceptionRow).where(ExceptionRow.operator_id == operator_id, ExceptionRow.ended_at.is_(None))
    )
    return found.one_or_none()


def _check_exception(work: Work, account: Account, last_day: date) -> None:
    if not domain.needs_device(account.registration):
        raise ExceptionRefused(Fault("last_day", "This account has no device rule, so there is nothing to except"))
    if last_day < work.today:
        raise ExceptionRefused(Fault("last_day", "Enter a day that is not in the past"))
    if last_day > work.today + timedelta(days=domain.LONGEST_EXCEPTION_DAYS):
        raise ExceptionRefused(Fault("last_day", f"An exception lasts at most {domain.LONGEST_EXCEPTION_DAYS} days"))
