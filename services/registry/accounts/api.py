"""The register as JSON: /accounts/api/v1/accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.registry.accounts.bodies import AccountBody, AccountList, ClosingBody, DetailsBody, StatusBody
from services.registry.accounts.changing import Closing, Details, StatusChange, change_details, change_status, close
from services.registry.accounts.domain import Account
from services.registry.accounts.filters import FilterDep
from services.registry.accounts.handlers import UnknownAccount
from services.registry.accounts.queries import PAGE, get_account, list_accounts
from services.registry.context.dependencies import Read, WorkDep
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.ids import StaffId
from shared.web.dependencies import Transaction

router = APIRouter(prefix="/accounts/api/v1/accounts", tags=["register"])

_MANAGES = [requires(Permission.MANAGE_REGISTER)]


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
    return versioned(account, response)


@router.post("/{account_id}/status", dependencies=_MANAGES)
async def post_status(
    work: WorkDep, account_id: UUID, version: Read, body: StatusBody, response: Response
) -> AccountBody:
    """Freeze an account, or close one of a union; `If-Match` carries the version that was read."""
    wanted = StatusChange(account_id, version, body.status, body.reason)
    return versioned(await change_status(work, wanted), response)


@router.post("/{account_id}/close", dependencies=_MANAGES)
async def post_closing(
    work: WorkDep, account_id: UUID, version: Read, body: ClosingBody, response: Response
) -> AccountBody:
    """Close an account whose removal from the platform is evidenced."""
    closing = Closing(account_id, version, body.reason, body.evidence)
    return versioned(await close(work, closing), response)


@router.post("/{account_id}/details", dependencies=_MANAGES)
async def post_details(
    work: WorkDep, account_id: UUID, version: Read, body: DetailsBody, response: Response
) -> AccountBody:
    """Say what the register should hold of an account: title, owner, vetting required, next review."""
    details = Details(
        account_id,
        version,
        title=body.title,
        owner=StaffId(body.owner) if body.owner else None,
        vetting_required=body.vetting_required,
        next_review_on=body.next_review_on,
    )
    return versioned(await change_details(work, details), response)


def versioned(account: Account, response: Response) -> AccountBody:
    """Return an account's body; its version becomes the ETag."""
    response.headers["etag"] = f'"{account.version}"'
    return AccountBody.of(account)
