"""The register as JSON: /accounts/api/v1/accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from services.registry.accounts.bodies import AccountBody, AccountList, StatusBody
from services.registry.accounts.domain import Account
from services.registry.accounts.filters import FilterDep
from services.registry.accounts.handlers import StatusChange, UnknownAccount, change_status
from services.registry.accounts.queries import PAGE, get_account, list_accounts
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.problems import standard_problem

router = APIRouter(prefix="/accounts/api/v1/accounts", tags=["register"])

Manager = Annotated[Principal, requires(Permission.MANAGE_REGISTER)]
_IfMatch = Annotated[str | None, Header()]


@router.get("", dependencies=[requires(Permission.SEE_REGISTER)])
async def get_accounts(
    session: Transaction,
    asked: FilterDep,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> AccountList:
    """List the register, filtered by `class`, `platform`, `status` (each repeatable) and `overdue=yes`."""
    page = await list_accounts(session, asked.wanted, cursor=cursor, limit=limit)
    return AccountList(items=tuple(map(AccountBody.of, page.items)), next_cursor=page.next_cursor)


@router.get("/{account_id}", dependencies=[requires(Permission.SEE_REGISTER)])
async def get_one(session: Transaction, account_id: UUID, response: Response) -> AccountBody:
    """Return one account; its version is the ETag."""
    account = await get_account(session, account_id)
    if account is None:
        raise UnknownAccount
    return _versioned(account, response)


@router.post("/{account_id}/status")
async def post_status(
    session: Transaction,
    account_id: UUID,
    body: StatusBody,
    manager: Manager,
    response: Response,
    now: Now,
    ids: IdsDep,
    outbox: OutboxDep,
    if_match: _IfMatch = None,
) -> AccountBody:
    """Change an account's status; `If-Match` carries the version that was read."""
    wanted = StatusChange(account_id, _version(if_match), body.status, body.reason)
    account = await change_status(session, wanted, outbox=outbox, now=now, ids=ids, actor=manager.subject)
    return _versioned(account, response)


def _versioned(account: Account, response: Response) -> AccountBody:
    response.headers["etag"] = f'"{account.version}"'
    return AccountBody.of(account)


def _version(if_match: str | None) -> int:
    if if_match is None:
        raise standard_problem(428)
    text = if_match.strip().removeprefix("W/").strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 -- fits an int
