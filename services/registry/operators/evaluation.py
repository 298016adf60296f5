"""Evaluates operators again when a record they depend on changed, or a date passed (S5, D-pia).

Authorisations are granted or withdrawn, and their events stored, in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, union
from sqlalchemy.dialects.postgresql import insert

from services.registry.accounts.changes import lock, record_activities
from services.registry.accounts.domain import Account
from services.registry.context.domain import months_later
from services.registry.context.work import SYSTEM, Work
from services.registry.eligibility.queries import last_completed
from services.registry.operators import domain
from services.registry.operators.queries import authorised_people, gate_records, named_for, operating, operator_of
from services.registry.operators.tables import ExceptionRow, OperatorRow, RemovalRow
from services.registry.tables import names_one_of
from shared.audit.chain import Change
from shared.events.envelope import NewEvent
from shared.events.registry import AuthorisationGranted, AuthorisationWithdrawn, ExceptionExpired
from shared.events.vocabulary import AccountStatus, WithdrawalReason
from shared.ids import AccountId, StaffId, folded_id
from shared.messaging.auditor import Step

_ACCOUNTS_AT_ONCE = 50


STEPS = (
    Step("lapse", OperatorRow.lapses_at, (OperatorRow.state == domain.OperatorState.AUTHORISED,)),
    Step("exception", ExceptionRow.ends_at, (ExceptionRow.ended_at.is_(None),)),
)
"""What `expire_due` owes in the course of time, for the auditor to find without it."""


async def re_evaluate_people(work: Work, staff_ids: Sequence[str]) -> None:
    """Evaluate these people again wherever they are named.

    A concurrent transaction that names one of them waits for this one, or this one waits for it: the later one sees
    what the earlier one stored.
    """
    accounts = await lock(work.session, await operating(work.session, staff_ids))
    await _hold(work, staff_ids)
    known = {account.id for account in accounts}
    later = [account_id for account_id in await operating(work.session, staff_ids) if account_id not in known]
    await _re_evaluate(work, [*accounts, *await lock(work.session, later)], staff_ids)


async def re_evaluate_accounts(work: Work, account_ids: Sequence[AccountId]) -> None:
    """Evaluate the operators of changed accounts again; name an individual account's approved person."""
    accounts = await lock(work.session, account_ids)
    await _name_approved_people(work, accounts)
    await re_evaluate(work, accounts)


async def re_evaluate(work: Work, accounts: Sequence[Account]) -> None:
    """Evaluate all operators of locked accounts again."""
    await _re_evaluate(work, accounts, None)


async def expire_due(work: Work) -> int:
    """Withdraw lapsed authorisations; return how many accounts were due. Safe with any number of processes."""
    accounts = await lock(work.session, await _due(work, work.now), skip_locked=True)
    if not accounts:
        return 0
    await _expire_exceptions(work, accounts)
    await re_evaluate(work, accounts)
    return len(accounts)


async def recheck_training(work: Work) -> int:
    """Withdraw authorisations of people whose training has lapsed by the current settings; return how many people.

    The moment when an authorisation lapses is stored with it, so a shorter period takes effect at once only by this
    check.
    """
    staff_ids = await authorised_people(work.session)
    completed = await last_completed(work.session, staff_ids)
    months = work.periods.training_months
    over = [staff_id for staff_id, day in completed.items() if months_later(day, months) < work.today]
    await re_evaluate_people(work, over)
    return len(over)


async def _re_evaluate(work: Work, accounts: Sequence[Account], only: Sequence[str] | None) -> None:
    statement = select(OperatorRow).where(OperatorRow.account_id.in_([account.id for account in accounts]))
    if only is not None:
        statement = statement.where(names_one_of(OperatorRow.staff_id, only))
    rows = (await work.session.scalars(statement.order_by(OperatorRow.id).with_for_update())).all()
    if not rows:
        return
    await _hold(work, [row.staff_id for row in rows])
    by_id = {account.id: account for account in accounts}
    before = [operator_of(row) for row in rows]
    records = await gate_records(work.session, before, work.periods)
    evaluations = {
        operator.id: domain.evaluate(
            by_id[operator.account_id].registration, operator, records[operator.id], work.today
        )
        for operator in before
    }
    for row in rows:
        _apply(work, row, evaluations[row.id])
    await work.session.flush()
    changed = [operator for operator in before if evaluations[operator.id].state is not operator.state]
    await _publish(work, changed, evaluations, by_id)


def _apply(work: Work, row: OperatorRow, evaluation: domain.Evaluation) -> None:
    """Store an evaluation; the first reason for a withdrawal stays even if another one follows."""
    changed = evaluation.state != row.state
    row.lapses_at = evaluation.lapses_at
    if changed:
        row.state, row.reason = evaluation.state, evaluation.reason
        row.version, row.changed_at = row.version + 1, work.now


async def _publish(
    work: Work,
    changed: Sequence[domain.Operator],
    evaluations: Mapping[UUID, domain.Evaluation],
    accounts: Mapping[AccountId, Account],
) -> None:
    granted = [operator for operator in changed if evaluations[operator.id].state is domain.OperatorState.AUTHORISED]
    withdrawn = [(operator, reason) for operator in changed if (reason := evaluations[operator.id].reason) is not None]
    await _end_removals(work, granted)
    await _open_removals(work, withdrawn)
    events = [_granted(work, accounts[operator.account_id], operator) for operator in granted]
    events += [_withdrawn(work, accounts[operator.account_id], operator, reason) for operator, reason in withdrawn]
    await work.outbox.append(work.session, events, work.now)
    await record_activities(
        work, [(operator.account_id, _noted(work, operator, evaluations[operator.id])) for operator in changed]
    )


def _granted(work: Work, account: Account, operator: domain.Operator) -> NewEvent:
    kept = account.registration
    event = AuthorisationGranted(
        account_id=account.id, platform=kept.platform, owner=kept.owner, at=work.now, operator=operator.staff_id
    )
    return NewEvent.of(account.id, event)


def _withdrawn(work: Work, account: Account, operator: domain.Operator, reason: WithdrawalReason) -> NewEvent:
    kept = account.registration
    event = AuthorisationWithdrawn(
        account_id=account.id,
        platform=kept.platform,
        owner=kept.owner,
        at=work.now,
        operator=operator.staff_id,
        reason=reason,
    )
    return NewEvent.of(account.id, event)


def _noted(work: Work, operator: domain.Operator, evaluation: domain.Evaluation) -> Change:
    granted = evaluation.state is domain.OperatorState.AUTHORISED
    return Change(
        "authorisation_granted" if granted else "authorisation_withdrawn",
        work.actor,
        after={"because": str(evaluation.reason)} if evaluation.reason else {},
        personal={"operator": operator.staff_id},
    )


async def _open_removals(work: Work, withdrawn: Sequence[tuple[domain.Operator, WithdrawalReason]]) -> None:
    if withdrawn:
        rows = [
            {"id": work.ids.uuid(), "operator_id": operator.id, "because": reason, "opened_at": work.now}
            for operator, reason in withdrawn
        ]
        await work.session.execute(insert(RemovalRow).on_conflict_do_nothing(), rows)


async def _end_removals(work: Work, granted: Sequence[domain.Operator]) -> None:
    rows = await work.session.scalars(
        select(RemovalRow).where(
            RemovalRow.operator_id.in_([operator.id for operator in granted]), RemovalRow.done_at.is_(None)
        )
    )
    for row in rows:
        row.done_at, row.done_how, row.done_by = work.now, "authorised_again", work.actor
    await work.session.flush()


async def _name_approved_people(work: Work, accounts: Sequence[Account]) -> None:
    """Name the person approved for an individual's account: their device is a gate from the first day (D-pia)."""
    known = await named_for(work.session, [account.id for account in accounts])
    named = [
        _named(work, account, person)
        for account in accounts
        if domain.needs_device(account.registration)
        and domain.can_have_operators(account.registration)
        and account.registration.status is not AccountStatus.FROZEN
        and (person := account.registration.approved_person)
        and (account.id, folded_id(person)) not in known
    ]
    if named:
        await work.session.execute(insert(OperatorRow), named)


def _named(work: Work, account: Account, person: StaffId) -> dict[str, object]:
    return {
        "id": work.ids.uuid(),
        "account_id": account.id,
        "account_class": account.registration.account_class,
        "staff_id": person,
        "state": domain.OperatorState.PENDING,
        "wanted": True,
        "version": 1,
        "named_by": SYSTEM,
        "named_at": work.now,
        "changed_at": work.now,
    }


async def _hold(work: Work, staff_ids: Sequence[str]) -> None:
    """Lock the records of these people until the transaction ends."""
    for staff_id in sorted({folded_id(staff_id) for staff_id in staff_ids}):
        await work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(staff_id, 0))))


async def _due(work: Work, now: datetime) -> Sequence[UUID]:
    lapsed = select(OperatorRow.account_id).where(
        OperatorRow.lapses_at <= now, OperatorRow.state == domain.OperatorState.AUTHORISED
    )
    over = (
        select(OperatorRow.account_id)
        .join(ExceptionRow, ExceptionRow.operator_id == OperatorRow.id)
        .where(ExceptionRow.ends_at <= now, ExceptionRow.ended_at.is_(None))
    )
    found = await work.session.scalars(union(lapsed, over).limit(_ACCOUNTS_AT_ONCE))
    return found.all()


async def _expire_exceptions(work: Work, accounts: Sequence[Account]) -> None:
    by_id = {account.id: account for account in accounts}
    rows = (
        await work.session.execute(
            select(ExceptionRow, OperatorRow)
            .join(OperatorRow, OperatorRow.id == ExceptionRow.operator_id)
            .where(OperatorRow.account_id.in_(by_id), ExceptionRow.ends_at <= work.now, ExceptionRow.ended_at.is_(None))
            .order_by(ExceptionRow.ends_at, ExceptionRow.id)
            .with_for_update(of=ExceptionRow)
        )
    ).all()
    for row, _ in rows:
        row.ended_at, row.ended_how = work.now, "expired"
    await work.session.flush()
    found = [(row, operator, by_id[AccountId(operator.account_id)]) for row, operator in rows]
    await work.outbox.append(work.session, [_expired_event(work, *each) for each in found], work.now)
    await record_activities(
        work, [(account.id, _expiry_noted(work, row, operator)) for row, operator, account in found]
    )


def _expired_event(work: Work, row: ExceptionRow, operator: OperatorRow, account: Account) -> NewEvent:
    kept = account.registration
    event = ExceptionExpired(
        account_id=account.id,
        platform=kept.platform,
        owner=kept.owner,
        at=work.now,
        operator=operator.staff_id,
        expired_on=row.last_day,
    )
    return NewEvent.of(account.id, event)


def _expiry_noted(work: Work, row: ExceptionRow, operator: OperatorRow) -> Change:
    after = {"last_day": row.last_day.isoformat()}
    return Change("exception_expired", work.actor, after=after, personal={"operator": operator.staff_id})
