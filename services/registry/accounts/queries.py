"""Queries of accounts and their reviews."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, SelectBase, func, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account, Registration, Review, ReviewOutcome, Vetting
from services.registry.accounts.tables import AccountRow, ReviewRow
from shared.audit.chain import fingerprint
from shared.audit.verification import Current
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import AccountId, StaffId

PAGE = 50
_FETCH = 500
PUBLIC = ("status", "official_use", "next_review_on", "checks_due_on", "vetting_required")
"""The details whose changes the audit trail says in words."""
_KEY = (AccountRow.platform, AccountRow.handle, AccountRow.id)


class UnknownAccount(LookupError):
    """No account has this id."""


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """The filter of a list; an empty tuple means all."""

    classes: tuple[AccountClass, ...] = ()
    platforms: tuple[str, ...] = ()
    statuses: tuple[AccountStatus, ...] = ()
    overdue_on: date | None = None
    """Only accounts that have missed the date of their checks or review by this day."""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One page of the register, by platform and handle. The cursor is the last account's id: no personal data."""

    items: tuple[Account, ...]
    next_cursor: UUID | None


async def known_account(session: AsyncSession, account_id: UUID) -> Account:
    """Return an account on the register.

    Raises:
        UnknownAccount: there is none.
    """
    account = await get_account(session, account_id)
    if account is None:
        raise UnknownAccount
    return account


async def get_account(session: AsyncSession, account_id: UUID) -> Account | None:
    """Return one account."""
    row = await session.get(AccountRow, account_id)
    return account_of(row) if row else None


async def accounts_by_id(session: AsyncSession, account_ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Return these accounts by id."""
    rows = await session.scalars(select(AccountRow).where(AccountRow.id.in_(account_ids)))
    return {row.id: account_of(row) for row in rows}


async def accounts_owned_by(session: AsyncSession, owner: str) -> list[Account]:
    """Return the open accounts of one owner."""
    statement = select(AccountRow).where(AccountRow.owner == owner, AccountRow.status != AccountStatus.CLOSED)
    return [account_of(row) for row in await session.scalars(statement.order_by(*_KEY))]


async def find_open(session: AsyncSession, handles: Sequence[tuple[str, str]]) -> list[Account]:
    """Return the open accounts with one of these pairs of platform and canonical handle."""
    statement = (
        select(AccountRow)
        .where(tuple_(AccountRow.platform, AccountRow.handle).in_(handles), AccountRow.status != AccountStatus.CLOSED)
        .order_by(*_KEY)
    )
    return [account_of(row) for row in await session.scalars(statement)]


async def platform_in_use(session: AsyncSession, platform: str) -> bool:
    """Return whether the department already has an account on this platform (S7)."""
    statement = select(AccountRow).where(
        AccountRow.platform == platform, AccountRow.official_use, AccountRow.status != AccountStatus.CLOSED
    )
    return any(account_of(row).registration.vouched_for for row in await session.scalars(statement))


async def list_accounts(
    session: AsyncSession, wanted: AccountFilter, *, cursor: UUID | None = None, limit: int = PAGE
) -> AccountPage:
    """Return the page that starts after `cursor`."""
    statement = select(AccountRow).where(*_conditions(wanted)).order_by(*_KEY).limit(limit + 1)
    if cursor is not None:
        last = select(*_KEY).where(AccountRow.id == cursor)
        statement = statement.where(tuple_(*_KEY) > last.scalar_subquery())
    rows = (await session.scalars(statement)).all()
    items = tuple(map(account_of, rows[:limit]))
    return AccountPage(items, items[-1].id if len(rows) > limit else None)


async def all_accounts(session: AsyncSession, wanted: AccountFilter) -> AsyncIterator[Account]:
    """Yield every account that matches the filter, a few hundred at a time."""
    statement = select(AccountRow).where(*_conditions(wanted)).order_by(*_KEY)
    async for row in await session.stream_scalars(statement, execution_options={"yield_per": _FETCH}):
        yield account_of(row)


_official: WeakKeyDictionary[object, tuple[object, tuple[Account, ...]]] = WeakKeyDictionary()


async def official_accounts(session: AsyncSession) -> tuple[Account, ...]:
    """Return the accounts of the public list (D-official): open, not frozen, and vouched for.

    Anyone may ask for it as often as they like, so it is kept for each database until an account changes.
    """
    official = AccountRow.account_class == AccountClass.OFFICIAL
    versions = select(func.count(), func.sum(AccountRow.version)).where(official)
    state, database = tuple((await session.execute(versions)).one()), session.get_bind()
    if database not in _official or _official[database][0] != state:
        _official[database] = (state, await _read_official(session))
    return _official[database][1]


async def _read_official(session: AsyncSession) -> tuple[Account, ...]:
    trusted = tuple(status for status in AccountStatus if status not in {AccountStatus.CLOSED, AccountStatus.FROZEN})
    wanted = AccountFilter(classes=(AccountClass.OFFICIAL,), statuses=trusted)
    return tuple([account async for account in all_accounts(session, wanted) if account.registration.vouched_for])


async def reviews_of(session: AsyncSession, account_id: UUID) -> list[Review]:
    """Return the reviews of an account, the newest first."""
    rows = await session.scalars(
        select(ReviewRow).where(ReviewRow.account_id == account_id).order_by(ReviewRow.reviewed_at.desc())
    )
    return list(map(review_of, rows))


def account_of(row: AccountRow) -> Account:
    """Return the account that a row stores."""
    return Account(
        id=AccountId(row.id),
        registration=Registration(
            platform=row.platform,
            handle=row.handle,
            account_class=AccountClass(row.account_class),
            status=AccountStatus(row.status),
            official_use=row.official_use,
            title=row.title,
            owner=None if row.owner is None else StaffId(row.owner),
            approved_person=None if row.approved_person is None else StaffId(row.approved_person),
            next_review_on=row.next_review_on,
            checks_due_on=row.checks_due_on,
            vetting_required=None if row.vetting_required is None else Vetting(row.vetting_required),
            declared_by=None if row.declared_by is None else StaffId(row.declared_by),
            to_confirm=row.to_confirm,
        ),
        version=row.version,
        registered_at=row.registered_at,
        changed_at=row.changed_at,
    )


def texts_of(registration: Registration, names: Sequence[str]) -> dict[str, str]:
    """Return these details as the audit trail says them, without those that have no value."""
    values = {name: getattr(registration, name) for name in names}
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


def state_of(account: Account) -> dict[str, str]:
    """Return all that an account is, as its audit trail holds it."""
    return {"account": fingerprint({**asdict(account.registration), "version": account.version})}


async def records(session: AsyncSession, others: SelectBase) -> AsyncIterator[tuple[UUID, Current]]:
    """Yield what every account is now for `verify`, and with them the ids of `others` that have an audit trail."""
    found = union(select(AccountRow.id), others).subquery()
    page = select(found.c.id).order_by(found.c.id).limit(_FETCH)
    last = UUID(int=0)
    while ids := (await session.scalars(page.where(found.c.id > last))).all():
        accounts = await accounts_by_id(session, ids)
        for record_id in ids:
            yield record_id, _current(accounts[record_id]) if record_id in accounts else Current()
        last = ids[-1]


def _current(account: Account) -> Current:
    return Current(dict.fromkeys(PUBLIC, "") | texts_of(account.registration, PUBLIC), state_of(account))


def review_of(row: ReviewRow) -> Review:
    """Return the review that a row stores."""
    return Review(
        id=row.id,
        account_id=row.account_id,
        due_on=row.due_on,
        outcome=ReviewOutcome(row.outcome),
        reason=row.reason,
        next_on=row.next_on,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
    )


def _conditions(wanted: AccountFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.classes:
        conditions.append(AccountRow.account_class.in_(wanted.classes))
    if wanted.platforms:
        conditions.append(AccountRow.platform.in_(wanted.platforms))
    if wanted.statuses:
        conditions.append(AccountRow.status.in_(wanted.statuses))
    if wanted.overdue_on:
        late = (AccountRow.checks_due_on < wanted.overdue_on) | (AccountRow.next_review_on < wanted.overdue_on)
        conditions.append(late & (AccountRow.status != AccountStatus.CLOSED))
    return conditions
