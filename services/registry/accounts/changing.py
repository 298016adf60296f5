"""Changes of accounts that are on the register. Each waits for the account's row and checks the version read."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.registry.accounts.domain import (
    Account,
    Registration,
    Vetting,
    faults,
    next_statuses,
    statuses_by_hand,
)
from services.registry.accounts.handlers import (
    AccountChangedMeanwhile,
    RegistrationRefused,
    StatusNotAllowed,
    UnknownAccount,
)
from services.registry.accounts.recording import Changing, lock, store
from services.registry.context.work import Work
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import StaffId


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What somebody wants an account's status to be, having read this version of it."""

    account_id: UUID
    version: int
    status: AccountStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Closing:
    """Why an account is closed, and how one knows that it is gone from the platform (S8)."""

    account_id: UUID
    version: int
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Details:
    """What the register should hold of an account."""

    account_id: UUID
    version: int
    title: str | None
    owner: StaffId | None
    vetting_required: Vetting | None
    next_review_on: date | None


async def change_status(work: Work, wanted: StatusChange) -> Account:
    """Freeze an account, or close one of a union.

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: the version read is not the newest.
        StatusNotAllowed: the life of an account does not go there, or not by a reason alone.
    """
    account = await lock_version(work, wanted.account_id, wanted.version)
    if wanted.status not in statuses_by_hand(account.registration):
        raise StatusNotAllowed
    becomes = replace(account.registration, status=wanted.status)
    return await change(work, account, Changing(becomes, "status_changed", wanted.reason))


async def close(work: Work, closing: Closing) -> Account:
    """Close an account whose removal from the platform is evidenced (S8).

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: the version read is not the newest.
        StatusNotAllowed: it is closed already, or a union's, of which no evidence is kept.
    """
    account = await lock_version(work, closing.account_id, closing.version)
    union = account.registration.account_class is AccountClass.UNION
    if union or AccountStatus.CLOSED not in next_statuses(account.registration):
        raise StatusNotAllowed
    becomes = replace(account.registration, status=AccountStatus.CLOSED, next_review_on=None, checks_due_on=None)
    evidence = (("evidence", closing.evidence),)
    return await change(work, account, Changing(becomes, "closed", closing.reason, personal=evidence))


async def change_details(work: Work, details: Details) -> Account:
    """Change title, owner, vetting required or the day of the next review.

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: the version read is not the newest.
        StatusNotAllowed: the account is closed.
        RegistrationRefused: that does not fit its class.
    """
    account = await lock_version(work, details.account_id, details.version)
    if account.registration.status is AccountStatus.CLOSED:
        raise StatusNotAllowed
    becomes = replace(
        account.registration,
        title=details.title,
        owner=details.owner,
        vetting_required=details.vetting_required,
        next_review_on=details.next_review_on,
    )
    return await change(work, account, Changing(becomes, "details_changed"))


async def change(work: Work, account: Account, changing: Changing) -> Account:
    """Store what a locked account becomes, and let those follow who depend on it.

    Raises:
        RegistrationRefused: it would break a rule of the register.
    """
    _must_fit(changing.becomes)
    (after,) = await store(work, [(account, changing)])
    await work.observers.accounts_changed(work, [after.id])
    return after


async def lock_version(work: Work, account_id: UUID, version: int) -> Account:
    """Lock an account that is still as it was read.

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: the version read is not the newest.
    """
    account = await lock_one(work, account_id)
    if account.version != version:
        raise AccountChangedMeanwhile
    return account


async def lock_one(work: Work, account_id: UUID) -> Account:
    """Lock one account.

    Raises:
        UnknownAccount: there is none.
    """
    locked = await lock(work.session, [account_id])
    if not locked:
        raise UnknownAccount
    return locked[0]


def _must_fit(becomes: Registration) -> None:
    if found := faults(becomes):
        raise RegistrationRefused(*found)
