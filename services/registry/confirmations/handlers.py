"""Confirms that an approved account exists on its platform and is ours: from then on it is live and official (S7)."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.registry.accounts import changes
from services.registry.accounts.domain import Account
from services.registry.accounts.handlers import StatusNotAllowed
from services.registry.confirmations.queries import is_party
from services.registry.confirmations.tables import ConfirmationRow
from services.registry.context.domain import Fault, Refused
from services.registry.context.work import Work
from shared.events.platforms import OTHER, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountStatus


class ConfirmationRefused(Refused):
    """The address is not the account's, nothing says how it is known, or no one searched for look-alikes."""


class OwnAccount(Exception):
    """Someone other than the people it is for confirms an account."""


@dataclass(frozen=True, slots=True)
class NewConfirmation:
    """What someone found on the platform, about an account in the version that they read."""

    account_id: UUID
    version: int
    address: str
    """Of the account's profile."""
    how_known: str
    searched: bool
    """Whether they searched the platform for accounts that look like it."""
    lookalikes: str | None = None


async def confirm(work: Work, wanted: NewConfirmation) -> Account:
    """Record that an approved account exists and is ours; it is live, and official to the public, from now on.

    Raises:
        UnknownAccount, AccountChangedMeanwhile: it does not exist, or has changed since it was read.
        OwnAccount: the account is theirs, or they asked for it.
        StatusNotAllowed: it does not wait to be confirmed.
        ConfirmationRefused: something is missing, or the address is not the account's.
    """
    account = await changes.lock_version(work, wanted.account_id, wanted.version)
    await must_not_be_party(work, account)
    if account.registration.status is not AccountStatus.APPROVED:
        raise StatusNotAllowed
    if found := list(_faults(account, wanted)):
        raise ConfirmationRefused(*found)
    work.session.add(
        ConfirmationRow(
            account_id=account.id,
            account_class=account.registration.account_class,
            address=wanted.address,
            how_known=wanted.how_known,
            lookalikes=wanted.lookalikes,
            confirmed_by=work.person,
            confirmed_at=work.now,
        )
    )
    becomes = replace(account.registration, status=AccountStatus.LIVE, to_confirm=False)
    noted = {"address": wanted.address, "how_known": wanted.how_known, "lookalikes": wanted.lookalikes or "none"}
    return await changes.change(
        work, account, changes.AccountChange(becomes, "confirmed", personal=tuple(noted.items()))
    )


async def must_not_be_party(work: Work, account: Account) -> None:
    """Check that the account is not the signed-in person's, and that they did not ask for it.

    Raises:
        OwnAccount: it is, or they did.
    """
    if await is_party(work, account):
        raise OwnAccount


def _faults(account: Account, wanted: NewConfirmation) -> list[Fault]:
    kept = account.registration
    faults = []
    if not _is_address_of(kept.platform, kept.handle, wanted.address):
        faults.append(Fault("address", "Enter the address of this account’s profile, starting with https://"))
    if not wanted.how_known:
        faults.append(Fault("how_known", "Enter how you know that it is ours"))
    if not wanted.searched:
        faults.append(Fault("searched_for_lookalikes", "Search the platform for look-alikes first, then tick this"))
    return faults


def _is_address_of(platform: str, handle: str, address: str) -> bool:
    """Return whether an address names this account; on a platform without a known shape any https address may."""
    if not address.startswith("https://"):
        return False
    if platform == OTHER:
        return True
    try:
        return canonical_handle(platform, address) == handle
    except InvalidHandle:
        return False
