"""Puts accounts on the register. Each change appends to the account's activity chain and tells the other services."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account, Registration, faults
from services.registry.accounts.queries import account_of, get_account
from services.registry.accounts.recording import changed_event, new_row, registered
from services.registry.accounts.tables import AccountRow
from services.registry.context.domain import Refused
from shared.audit import chain
from shared.ids import AccountId, Ids
from shared.messaging.outbox import Outbox


class RegistrationRefused(Refused):
    """The registration breaks a rule of the register."""


class HandleTaken(Exception):
    """The handle is on the register already: one account has one purpose (S4, S9)."""


class UnknownAccount(LookupError):
    """No account has this id."""


class AccountChangedMeanwhile(Exception):
    """The account is not in the version that was read."""


class StatusNotAllowed(Exception):
    """The account cannot go to this status from where it is."""


async def known_account(session: AsyncSession, account_id: UUID) -> Account:
    """Return an account that is on the register.

    Raises:
        UnknownAccount: there is none.
    """
    account = await get_account(session, account_id)
    if account is None:
        raise UnknownAccount
    return account


async def register(
    session: AsyncSession, registrations: Sequence[Registration], *, outbox: Outbox, now: datetime, ids: Ids, actor: str
) -> list[AccountId]:
    """Put accounts on the register: all of them or none.

    Raises:
        RegistrationRefused: one breaks a rule.
        HandleTaken: one is on the register already, or comes twice.
    """
    named = [(AccountId(ids.uuid()), registration) for registration in registrations]
    await register_as(session, named, outbox=outbox, now=now, ids=ids, actor=actor)
    return [account_id for account_id, _ in named]


async def register_as(
    session: AsyncSession,
    named: Sequence[tuple[AccountId, Registration]],
    *,
    outbox: Outbox,
    now: datetime,
    ids: Ids,
    actor: str,
) -> None:
    """Put accounts on the register under ids that they have already: all of them or none.

    Raises:
        RegistrationRefused: one breaks a rule.
        HandleTaken: one is on the register already, or comes twice.
    """
    if found := [fault for _, registration in named for fault in faults(registration)]:
        raise RegistrationRefused(*found)
    if not named:
        return
    rows = [new_row(account_id, registration, now) for account_id, registration in named]
    if await _insert(session, rows) < len(rows):
        raise HandleTaken
    accounts = [account_of(row) for row in rows]
    await chain.append(session, [(account.id, registered(account, actor)) for account in accounts], now, ids)
    await outbox.append(session, [changed_event(account) for account in accounts], now)


async def _insert(session: AsyncSession, rows: Sequence[AccountRow]) -> int:
    """Insert what is free; the index decides, also against another session."""
    columns = [column.key for column in AccountRow.__table__.columns]
    statement = (
        insert(AccountRow)
        .on_conflict_do_nothing(index_elements=["platform", "handle"], index_where=text("status <> 'closed'"))
        .returning(AccountRow.id)
    )
    inserted = await session.scalars(statement, [{name: getattr(row, name) for name in columns} for row in rows])
    return len(inserted.all())
