"""The sweep that ends what is over: exceptions by their date, authorisations by the first gate that closes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, union

from services.registry.accounts.changes import lock, note
from services.registry.accounts.domain import Account
from services.registry.context.domain import months_later
from services.registry.context.work import Work
from services.registry.operators.domain import OperatorState
from services.registry.operators.queries import authorised_people
from services.registry.operators.reconsidering import re_evaluate, re_evaluate_people
from services.registry.operators.tables import ExceptionRow, OperatorRow
from services.registry.training.queries import last_completed
from shared.audit.chain import Change
from shared.events.envelope import NewEvent
from shared.events.registry import ExceptionExpired
from shared.ids import AccountId

_ACCOUNTS_AT_ONCE = 50


async def lapse_due(work: Work) -> int:
    """Withdraw what lapsed by now; returns how many accounts were due. Safe with any number of processes."""
    accounts = await lock(work.session, await _due(work, work.now), skip_locked=True)
    if not accounts:
        return 0
    await _expire(work, accounts)
    await re_evaluate(work, accounts)
    return len(accounts)


async def recheck_training(work: Work) -> int:
    """Withdraw from those whose training is over by the months that are configured now; returns how many.

    When an authorisation lapses is stored with it: a shorter period would count only from the next change of it.
    """
    staff_ids = await authorised_people(work.session)
    completed = await last_completed(work.session, staff_ids)
    months = work.periods.training_months
    over = [staff_id for staff_id, day in completed.items() if months_later(day, months) < work.today]
    await re_evaluate_people(work, over)
    return len(over)


async def _due(work: Work, now: datetime) -> Sequence[UUID]:
    lapsed = select(OperatorRow.account_id).where(
        OperatorRow.lapses_at <= now, OperatorRow.state == OperatorState.AUTHORISED
    )
    over = (
        select(OperatorRow.account_id)
        .join(ExceptionRow, ExceptionRow.operator_id == OperatorRow.id)
        .where(ExceptionRow.ends_at <= now, ExceptionRow.ended_at.is_(None))
    )
    found = await work.session.scalars(union(lapsed, over).limit(_ACCOUNTS_AT_ONCE))
    return found.all()


async def _expire(work: Work, accounts: Sequence[Account]) -> None:
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
    await work.outbox.append(work.session, [_event(work, *each) for each in found], work.now)
    await note(work, [(account.id, _noted(work, row, operator)) for row, operator, account in found])


def _event(work: Work, row: ExceptionRow, operator: OperatorRow, account: Account) -> NewEvent:
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


def _noted(work: Work, row: ExceptionRow, operator: OperatorRow) -> Change:
    after = {"last_day": row.last_day.isoformat()}
    return Change("exception_expired", work.actor, after=after, personal={"operator": operator.staff_id})
