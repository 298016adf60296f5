"""Changes accounts: locks them, checks the rules, and stores the change with its event and audit entry."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account, Registration, faults
from services.registry.accounts.queries import PUBLIC, UnknownAccount, account_of, state_of, texts_of
from services.registry.accounts.tables import AccountRow
from services.registry.context.domain import Refused
from services.registry.context.work import Work
from shared.audit import chain
from shared.events.envelope import NewEvent
from shared.events.registry import AccountChanged
from shared.events.vocabulary import AccountClass

_PRIVATE = ("handle", "title", "owner", "approved_person", "declared_by")


class RegistrationRefused(Refused):
    """The registration breaks a rule of the register."""


class AccountChangedMeanwhile(Exception):
    """The account has changed since it was read."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A changed account, the action for its audit trail, and the personal texts that belong to it."""

    becomes: Registration
    action: str
    reason: str | None = None
    after: tuple[tuple[str, str], ...] = ()
    personal: tuple[tuple[str, str], ...] = ()


async def lock(session: AsyncSession, account_ids: Sequence[UUID], *, skip_locked: bool = False) -> list[Account]:
    """Lock these accounts, always in the same order, and return their current state."""
    rows = await session.scalars(
        select(AccountRow)
        .where(AccountRow.id.in_(account_ids))
        .order_by(AccountRow.id)
        .with_for_update(skip_locked=skip_locked)
        .execution_options(populate_existing=True)
    )
    return [account_of(row) for row in rows]


async def lock_one(work: Work, account_id: UUID) -> Account:
    """Lock one account.

    Raises:
        UnknownAccount: there is none.
    """
    locked = await lock(work.session, [account_id])
    if not locked:
        raise UnknownAccount
    return locked[0]


async def lock_version(work: Work, account_id: UUID, version: int) -> Account:
    """Lock an account that has not changed since it was read.

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: the version read is not the newest.
    """
    account = await lock_one(work, account_id)
    if account.version != version:
        raise AccountChangedMeanwhile
    return account


async def change(work: Work, account: Account, changing: AccountChange) -> Account:
    """Store a change of a locked account, and call the observers.

    Raises:
        RegistrationRefused: the change would break a rule of the register.
    """
    if found := faults(changing.becomes):
        raise RegistrationRefused(*found)
    (after,) = await store(work, [(account, changing)])
    await work.observers.accounts_changed(work, [after.id])
    return after


async def store(work: Work, changes: Sequence[tuple[Account, AccountChange]]) -> list[Account]:
    """Store changes of locked accounts, append to their audit trails and put their events into the outbox."""
    after = [await _apply(work, account, changing.becomes) for account, changing in changes]
    links = [
        (new.id, replace(_described(work, before.registration, changing), state=state_of(new)))
        for (before, changing), new in zip(changes, after, strict=True)
    ]
    await chain.append(work.session, links, work.now, work.ids)
    await work.outbox.append(work.session, [changed_event(account) for account in after], work.now)
    return after


async def record_activities(work: Work, changes: Sequence[tuple[UUID, chain.Change]]) -> None:
    """Append activities that do not change the account itself."""
    await chain.append(work.session, changes, work.now, work.ids)


def new_row(account_id: UUID, registration: Registration, now: datetime) -> AccountRow:
    """Return the row of an account that was just registered."""
    return AccountRow(
        id=account_id, **asdict(registration), review_announced_on=None, version=1, registered_at=now, changed_at=now
    )


def registered(account: Account, actor: str) -> chain.Change:
    """Return the audit entry for a new account."""
    kept = account.registration
    facts = {"platform": kept.platform, "account_class": str(kept.account_class), **texts_of(kept, PUBLIC)}
    return chain.Change("registered", actor, after=facts, personal=texts_of(kept, _PRIVATE), state=state_of(account))


def changed_event(account: Account) -> NewEvent:
    """Return the event that tells the other services about an account."""
    kept = account.registration
    return NewEvent.of(
        account.id,
        AccountChanged(
            account_id=account.id,
            platform=kept.platform,
            handle=kept.handle,
            account_class=kept.account_class,
            status=kept.status,
            changed_at=account.changed_at,
            official_use=kept.sanctioned,
        ),
    )


async def _apply(work: Work, account: Account, becomes: Registration) -> Account:
    row = await work.session.get_one(AccountRow, account.id)
    for name, value in asdict(becomes).items():
        setattr(row, name, value)
    row.version, row.changed_at = account.version + 1, work.now
    await work.session.flush()
    return account_of(row)


def _described(work: Work, before: Registration, changing: AccountChange) -> chain.Change:
    """Return the audit entry of a change. A union account's has no text, which could show its members (C-j)."""
    union = before.account_class is AccountClass.UNION
    old, new = texts_of(before, PUBLIC), texts_of(changing.becomes, PUBLIC)
    differing = [name for name in PUBLIC if old.get(name) != new.get(name)]
    people = texts_of(changing.becomes, _PRIVATE)
    renamed = {name: text for name, text in people.items() if text != texts_of(before, _PRIVATE).get(name)}
    return chain.Change(
        changing.action,
        work.actor,
        reason=None if union else changing.reason,
        before={name: old.get(name, "") for name in differing},
        after={name: new.get(name, "") for name in differing} | dict(changing.after),
        personal={} if union else renamed | dict(changing.personal),
    )
