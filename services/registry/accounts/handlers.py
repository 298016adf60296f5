"""Use cases of the register. Each change appends to the account's activity chain and tells the other services."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account, Fault, Registration, faults, next_statuses
from services.registry.accounts.queries import account_of
from services.registry.accounts.tables import AccountRow
from shared.audit import chain
from shared.audit.chain import Change
from shared.events.envelope import NewEvent
from shared.events.registry import AccountChanged
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import AccountId, Ids
from shared.messaging.outbox import Outbox


class RegistrationRefused(Exception):
    """The registration breaks a rule of the register; `faults` say which."""

    def __init__(self, found: Sequence[Fault]) -> None:
        super().__init__(", ".join(sorted({fault.field for fault in found})))
        self.faults = tuple(found)


class HandleTaken(Exception):
    """The handle is on the register already: one account has one purpose (S4, S9)."""


class UnknownAccount(LookupError):
    """No account has this id."""


class AccountChangedMeanwhile(Exception):
    """The account is not in the version that was read."""


class StatusNotAllowed(Exception):
    """The account cannot go to this status from where it is."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What somebody wants an account's status to be, having read this version of it."""

    account_id: UUID
    version: int
    status: AccountStatus
    reason: str


async def register(
    session: AsyncSession, registrations: Sequence[Registration], *, outbox: Outbox, now: datetime, ids: Ids, actor: str
) -> list[AccountId]:
    """Put accounts on the register: all of them or none.

    Raises:
        RegistrationRefused: one breaks a rule.
        HandleTaken: one is on the register already, or comes twice.
    """
    if found := [fault for registration in registrations for fault in faults(registration)]:
        raise RegistrationRefused(found)
    if not registrations:
        return []
    rows = [_row(AccountId(ids.uuid()), registration, now) for registration in registrations]
    if await _insert(session, rows) < len(rows):
        raise HandleTaken
    accounts = [account_of(row) for row in rows]
    await chain.append(session, [(account.id, _registered(account, actor)) for account in accounts], now, ids)
    await outbox.append(session, [_changed_event(account) for account in accounts], now)
    return [account.id for account in accounts]


async def change_status(
    session: AsyncSession, wanted: StatusChange, *, outbox: Outbox, now: datetime, ids: Ids, actor: str
) -> Account:
    """Freeze, thaw, close an account, or take a legacy account over once it passed the checks (Sc-d).

    Raises:
        UnknownAccount: there is none.
        AccountChangedMeanwhile: the version read is not the newest.
        StatusNotAllowed: the life of an account does not go there.
    """
    row = await session.scalar(select(AccountRow).where(AccountRow.id == wanted.account_id).with_for_update())
    if row is None:
        raise UnknownAccount
    before = account_of(row)
    if before.version != wanted.version:
        raise AccountChangedMeanwhile
    if wanted.status not in next_statuses(before.registration):
        raise StatusNotAllowed
    _apply(row, wanted.status, now)
    await session.flush()
    after = account_of(row)
    await chain.append(session, [(after.id, _status_changed(before, after, wanted.reason, actor))], now, ids)
    await outbox.append(session, [_changed_event(after)], now)
    return after


def _row(account_id: AccountId, registration: Registration, now: datetime) -> AccountRow:
    return AccountRow(id=account_id, **asdict(registration), version=1, registered_at=now, changed_at=now)


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


def _apply(row: AccountRow, status: AccountStatus, now: datetime) -> None:
    if status is AccountStatus.LIVE:
        row.checks_due_on = None
    row.status = status
    row.version += 1
    row.changed_at = now


def _registered(account: Account, actor: str) -> Change:
    kept = account.registration
    told: dict[str, object] = {
        "platform": kept.platform,
        "account_class": kept.account_class,
        "status": kept.status,
        "official_use": kept.official_use,
        "next_review_on": kept.next_review_on,
        "checks_due_on": kept.checks_due_on,
    }
    private = {"handle": kept.handle, "title": kept.title, "owner": kept.owner, "approved_person": kept.approved_person}
    return Change(
        "registered",
        actor,
        after={name: _text(value) for name, value in told.items() if value is not None},
        personal={name: value for name, value in private.items() if value is not None},
    )


def _status_changed(before: Account, after: Account, reason: str, actor: str) -> Change:
    """Describe the change. Of a union account no reason is kept: it could say who belongs to it (C-j)."""
    union = after.registration.account_class is AccountClass.UNION
    return Change(
        "status_changed",
        actor,
        reason=None if union else reason,
        before={"status": before.registration.status},
        after={"status": after.registration.status},
    )


def _changed_event(account: Account) -> NewEvent:
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
        ),
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)
