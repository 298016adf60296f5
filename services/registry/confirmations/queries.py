"""Queries of confirmations, of accounts that wait for one, and of names on the register that look alike."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account
from services.registry.accounts.queries import AccountFilter, all_accounts, list_accounts
from services.registry.approvals.queries import requesters_of
from services.registry.confirmations.tables import ConfirmationRow
from services.registry.context.domain import same_person
from services.registry.context.work import Work
from services.registry.lookup.domain import resemble
from services.registry.lookup.queries import LOOKS
from shared.auth.permissions import Permission
from shared.events.vocabulary import AccountStatus

_MOST = 200
_OPEN = tuple(status for status in AccountStatus if status is not AccountStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A recorded confirmation."""

    address: str
    how_known: str
    lookalikes: str | None
    confirmed_by: str
    confirmed_at: datetime


async def confirmation_of(session: AsyncSession, account_id: UUID) -> Confirmation | None:
    """Return the confirmation of an account; None for one from before the register, or one that is not confirmed."""
    row = await session.get(ConfirmationRow, account_id)
    if row is None:
        return None
    return Confirmation(row.address, row.how_known, row.lookalikes, row.confirmed_by, row.confirmed_at)


async def is_party(work: Work, account: Account) -> bool:
    """Return whether the signed-in person asked for the account, declared it, is responsible for it or uses it."""
    return _is_party(work, account, await requesters_of(work.session, [account.id]))


async def accounts_to_confirm(work: Work) -> list[Account]:
    """Return the approved accounts that the signed-in person can confirm."""
    if not work.may(Permission.CONFIRM_ACCOUNTS):
        return []
    page = await list_accounts(work.session, AccountFilter(statuses=(AccountStatus.APPROVED,)), limit=_MOST)
    requesters = await requesters_of(work.session, [account.id for account in page.items]) if page.items else {}
    return [account for account in page.items if not _is_party(work, account, requesters)]


async def lookalikes_of(session: AsyncSession, account: Account) -> list[Account]:
    """Return the other open accounts on the register with a name like this one's.

    It reads them all: some hundreds or thousands, for the few pages on which someone confirms an account.
    """
    name = account.registration.handle
    return [
        other
        async for other in all_accounts(session, AccountFilter(statuses=_OPEN))
        if other.id != account.id and resemble(other.registration.handle, name, LOOKS)
    ]


def _is_party(work: Work, account: Account, requesters: Mapping[UUID, Collection[str]]) -> bool:
    kept = account.registration
    parties = (kept.owner, kept.approved_person, kept.declared_by, *requesters.get(account.id, ()))
    return any(same_person(party, work.person) for party in parties)
