"""Freezes accounts whose compromise SIRT confirmed, and records their recovery."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from services.registry.accounts.changing import change, lock_version
from services.registry.accounts.domain import Account, next_statuses, thawed
from services.registry.accounts.handlers import StatusNotAllowed
from services.registry.accounts.recording import Changing, lock, note, store
from services.registry.context.work import Work
from services.registry.freezing.tables import CompromiseRow
from shared.audit.chain import Change
from shared.events.envelope import Envelope
from shared.events.triage import CaseCompromiseConfirmed
from shared.events.vocabulary import AccountClass, AccountStatus


async def freeze_compromised(work: Work, confirmed: Sequence[Envelope[CaseCompromiseConfirmed]]) -> None:
    """Freeze the accounts that SIRT confirmed to be taken over; their operators may not operate them any more.

    Unknown, closed and union accounts are left as they are. The same confirmation, told twice, changes nothing twice.
    """
    account_ids = sorted({account_id for envelope in confirmed for account_id in envelope.data.account_ids})
    accounts = {account.id: account for account in await lock(work.session, account_ids) if _can_freeze(account)}
    told = [
        (account, envelope.data)
        for envelope in confirmed
        for account_id in envelope.data.account_ids
        if (account := accounts.get(account_id))  # type: ignore[call-overload] # an id of an event is any UUID
    ]
    fresh = await _remember(work, told)
    frozen = [
        (account, _frozen(account, fresh[account.id]))
        for account in accounts.values()
        if account.id in fresh and account.registration.status is not AccountStatus.FROZEN
    ]
    await note(work, [(account_id, _confirmed(work, reference)) for account_id, reference in fresh.items()])
    stored = await store(work, frozen)
    await work.observers.accounts_changed(work, [account.id for account in stored])


async def recover(work: Work, account_id: UUID, version: int, what_was_done: str) -> Account:
    """Record how the department got an account back: it is live, or legacy, as it was before.

    Authorisations come back where every gate is passed.

    Raises:
        UnknownAccount, AccountChangedMeanwhile, NotYourAccount: as the names say.
        StatusNotAllowed: it is not frozen.
    """
    account = await lock_version(work, account_id, version)
    work.must_answer_for(account.registration.owner)
    if account.registration.status is not AccountStatus.FROZEN:
        raise StatusNotAllowed
    await work.session.execute(
        update(CompromiseRow)
        .where(CompromiseRow.account_id == account.id, CompromiseRow.recovered_at.is_(None))
        .values(recovered_at=work.now, recovered_by=work.actor)
    )
    becomes = replace(account.registration, status=thawed(account.registration))
    return await change(work, account, Changing(becomes, "recovered", what_was_done))


async def _remember(work: Work, told: Sequence[tuple[Account, CaseCompromiseConfirmed]]) -> dict[UUID, str]:
    """Store each confirmation that is new, and return the reference of the case for each account."""
    if not told:
        return {}
    rows = [
        {
            "id": work.ids.uuid(),
            "account_id": account.id,
            "account_class": account.registration.account_class,
            "case_id": event.case_id,
            "reference": event.reference,
            "confirmed_at": event.at,
            "recorded_at": work.now,
        }
        for account, event in told
    ]
    statement = insert(CompromiseRow).on_conflict_do_nothing()
    found = await work.session.execute(statement.returning(CompromiseRow.account_id, CompromiseRow.reference), rows)
    return {row.account_id: row.reference for row in found}


def _can_freeze(account: Account) -> bool:
    kept = account.registration
    frozen = kept.status is AccountStatus.FROZEN
    return kept.account_class is not AccountClass.UNION and (frozen or AccountStatus.FROZEN in next_statuses(kept))


def _frozen(account: Account, reference: str) -> Changing:
    becomes = replace(account.registration, status=AccountStatus.FROZEN)
    return Changing(becomes, "status_changed", after=(("case", reference),))


def _confirmed(work: Work, reference: str) -> Change:
    return Change("compromise_confirmed", work.actor, after={"case": reference})
