"""Queries of requests and delegations."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Vetting
from services.registry.accounts.queries import records as account_records
from services.registry.approvals.domain import About, AccountRequest, Delegation, Draft, RequestState
from services.registry.approvals.tables import ApproverRow, DelegationRow, RequestRow
from services.registry.context.domain import same_person
from services.registry.tables import names_one_of
from shared.audit.verification import Current
from shared.events.vocabulary import AccountClass
from shared.ids import AccountId, StaffId

PAGE = 50
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests to list; an empty tuple means all states, None means all people."""

    states: tuple[RequestState, ...] = ()
    requested_by: StaffId | None = None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One page, the newest change first."""

    items: tuple[AccountRequest, ...]
    next_cursor: UUID | None


async def get_request(session: AsyncSession, request_id: UUID) -> AccountRequest | None:
    """Return one request."""
    row = await session.get(RequestRow, request_id)
    return request_of(row) if row else None


async def list_requests(
    session: AsyncSession, wanted: RequestFilter, *, cursor: UUID | None = None, limit: int = PAGE
) -> RequestPage:
    """Return the page that starts after `cursor`, the id of the last one seen."""
    key = (RequestRow.changed_at, RequestRow.id)
    statement = select(RequestRow).where(*_conditions(wanted)).order_by(*(part.desc() for part in key))
    if cursor is not None:
        statement = statement.where(tuple_(*key) < select(*key).where(RequestRow.id == cursor).scalar_subquery())
    rows = (await session.scalars(statement.limit(limit + 1))).all()
    items = tuple(map(request_of, rows[:limit]))
    return RequestPage(items, items[-1].id if len(rows) > limit else None)


def records(session: AsyncSession) -> AsyncIterator[tuple[UUID, Current]]:
    """Yield everything on the register that has an audit trail: accounts, and requests and delegations by id alone."""
    return account_records(session, union(select(RequestRow.account_id), select(DelegationRow.id)))


async def requests_about(session: AsyncSession, account_id: UUID) -> list[AccountRequest]:
    """Return the requests of an account, the newest first."""
    rows = await session.scalars(
        select(RequestRow).where(RequestRow.account_id == account_id).order_by(RequestRow.requested_at.desc())
    )
    return list(map(request_of, rows))


async def requesters_of(session: AsyncSession, account_ids: Collection[UUID]) -> Mapping[UUID, set[str]]:
    """Return who asked for each of these accounts, in one statement; one without a request is left out."""
    found: dict[UUID, set[str]] = {}
    asked = select(RequestRow.account_id, RequestRow.requested_by).where(RequestRow.account_id.in_(account_ids))
    for account_id, requested_by in await session.execute(asked):
        found.setdefault(account_id, set()).add(requested_by)
    return found


async def platform_cleared(session: AsyncSession, platform: str) -> bool:
    """Return whether the Security Advice Centre cleared this platform for an earlier request."""
    cleared = exists().where(RequestRow.platform == platform, RequestRow.cleared_by.is_not(None))
    return bool(await session.scalar(select(cleared)))


async def delegations_of(session: AsyncSession, staff_id: str, today: date) -> list[Delegation]:
    """Return a person's current and future delegations, given or received."""
    statement = (
        select(DelegationRow, ApproverRow.staff_id)
        .join(ApproverRow, ApproverRow.number == DelegationRow.approver_number)
        .where(or_(names_one_of(ApproverRow.staff_id, [staff_id]), names_one_of(DelegationRow.proxy, [staff_id])))
        .where(DelegationRow.ended_at.is_(None), func.upper(DelegationRow.period) > today)
        .order_by(DelegationRow.period)
    )
    return [delegation_of(row, approver) for row, approver in await session.execute(statement)]


async def stands_in_for(session: AsyncSession, proxy: str, today: date) -> list[StaffId]:
    """Return the approvers for whom this proxy stands in today."""
    found = await delegations_of(session, proxy, today)
    return [one.approver for one in found if same_person(one.proxy, proxy) and one.holds_on(today)]


def request_of(row: RequestRow) -> AccountRequest:
    """Return the request that a row stores."""
    return AccountRequest(
        id=row.id,
        account_id=AccountId(row.account_id),
        about=About(row.about),
        state=RequestState(row.state),
        draft=Draft(
            platform=row.platform,
            handle=row.handle,
            account_class=AccountClass(row.account_class),
            requirement=row.requirement,
            purpose=row.purpose,
            owner=StaffId(row.owner),
            title=row.title,
            approved_person=_staff(row.approved_person),
            vetting_required=None if row.vetting_required is None else Vetting(row.vetting_required),
        ),
        requested_by=StaffId(row.requested_by),
        requested_at=row.requested_at,
        changed_at=row.changed_at,
        version=row.version,
        new_platform=row.new_platform,
        reason=row.reason,
        relevance=row.relevance,
        decided_by=_staff(row.decided_by),
        on_behalf_of=_staff(row.on_behalf_of),
    )


def delegation_of(row: DelegationRow, approver: str) -> Delegation:
    """Return the delegation that a row stores."""
    return Delegation(
        id=row.id,
        approver=StaffId(approver),
        proxy=StaffId(row.proxy),
        first_day=row.period.lower or date.min,
        last_day=(row.period.upper or date.max) - _A_DAY,
        reason=row.reason,
        ended=row.ended_at is not None,
    )


def _conditions(wanted: RequestFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(RequestRow.state.in_(wanted.states))
    if wanted.requested_by:
        conditions.append(names_one_of(RequestRow.requested_by, [wanted.requested_by]))
    return conditions


def _staff(text: str | None) -> StaffId | None:
    return None if text is None else StaffId(text)
