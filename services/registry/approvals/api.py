"""The creation gate as JSON: /accounts/api/v1/requests, /declarations, /delegations."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.registry.approvals import handlers
from services.registry.approvals.asking import ask
from services.registry.approvals.bodies import (
    ApprovalBody,
    DelegationBody,
    DelegationList,
    DraftBody,
    NewDelegationBody,
    ReasonBody,
    RequestBody,
    RequestList,
)
from services.registry.approvals.declaring import begin_checks, declare
from services.registry.approvals.delegating import NewDelegation, delegate, end_delegation
from services.registry.approvals.domain import Request, RequestState
from services.registry.approvals.handlers import Decision
from services.registry.approvals.queries import PAGE, RequestFilter, delegations_of, list_requests
from services.registry.approvals.seeing import seen_request, sees_all
from services.registry.context.dependencies import Read, WorkDep
from services.registry.context.work import Work
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.ids import AccountId, StaffId

router = APIRouter(prefix="/accounts/api/v1", tags=["requests"])

_ASKS = [requires(Permission.REQUEST_ACCOUNTS)]
_CLEARS = [requires(Permission.CLEAR_NEW_PLATFORMS)]
_APPROVES = [requires(Permission.APPROVE_ACCOUNTS)]
_Decide = Callable[[Work, Decision], Awaitable[Request]]


@router.get("/requests")
async def get_requests(
    work: WorkDep,
    state: Annotated[tuple[RequestState, ...], Query()] = (),
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> RequestList:
    """List requests, the newest change first: all that you may see, otherwise your own."""
    own = None if await sees_all(work) else work.person
    page = await list_requests(work.session, RequestFilter(state, own), cursor=cursor, limit=limit)
    return RequestList(items=tuple(map(RequestBody.of, page.items)), next_cursor=page.next_cursor)


@router.post("/requests", status_code=201, dependencies=_ASKS)
async def post_request(work: WorkDep, body: DraftBody, response: Response) -> RequestBody:
    """Ask for an account."""
    return _versioned(await ask(work, body.draft()), response)


@router.post("/declarations", status_code=201)
async def post_declaration(work: WorkDep, body: DraftBody, response: Response) -> RequestBody:
    """Declare an account that exists, as its holder or sponsor; it is legacy until its request is approved."""
    return _versioned(await declare(work, body.draft()), response)


@router.post("/accounts/{account_id}/checks", status_code=201, dependencies=_ASKS)
async def post_checks(work: WorkDep, account_id: UUID, body: DraftBody, response: Response) -> RequestBody:
    """Ask that a legacy account passes its checks; its platform, handle and class are those of the register."""
    return _versioned(await begin_checks(work, AccountId(account_id), body.draft()), response)


@router.get("/requests/{request_id}")
async def get_one(work: WorkDep, request_id: UUID, response: Response) -> RequestBody:
    """Return one request; its version is the ETag."""
    return _versioned(await seen_request(work, request_id), response)


@router.post("/requests/{request_id}/clear", dependencies=_CLEARS)
async def post_clearance(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Say that a platform that is not in use yet may be; an approver decides next."""
    return await _decide(work, handlers.clear_platform, Decision(request_id, version, body.reason), response)


@router.post("/requests/{request_id}/approve")
async def post_approval(
    work: WorkDep, request_id: UUID, version: Read, body: ApprovalBody, response: Response
) -> RequestBody:
    """Approve a request: the account is live. For approvers and their recorded proxies."""
    decision = Decision(request_id, version, body.relevance, _staff(body.on_behalf_of))
    return await _decide(work, handlers.approve, decision, response)


@router.post("/requests/{request_id}/return")
async def post_return(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Return a request with what has to change."""
    decision = Decision(request_id, version, body.reason, _staff(body.on_behalf_of))
    return await _decide(work, handlers.send_back, decision, response)


@router.post("/requests/{request_id}/refuse")
async def post_refusal(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Refuse a request, for good."""
    decision = Decision(request_id, version, body.reason, _staff(body.on_behalf_of))
    return await _decide(work, handlers.refuse, decision, response)


@router.post("/requests/{request_id}/withdraw")
async def post_withdrawal(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Take your own request back."""
    return await _decide(work, handlers.withdraw, Decision(request_id, version, body.reason), response)


@router.post("/requests/{request_id}/resubmit")
async def post_again(
    work: WorkDep, request_id: UUID, version: Read, body: DraftBody, response: Response
) -> RequestBody:
    """Send your returned request again, changed."""
    await seen_request(work, request_id)
    return _versioned(await handlers.resubmit(work, request_id, version, body.draft()), response)


@router.get("/delegations")
async def get_delegations(work: WorkDep) -> DelegationList:
    """List the delegations that you gave or received and that are not over."""
    found = await delegations_of(work.session, work.person, work.today)
    return DelegationList(items=tuple(map(DelegationBody.of, found)))


@router.post("/delegations", status_code=201, dependencies=_APPROVES)
async def post_delegation(work: WorkDep, body: NewDelegationBody) -> DelegationBody:
    """Name a proxy for yourself; one at a time."""
    wanted = NewDelegation(StaffId(body.proxy), body.first_day, body.last_day, body.reason)
    return DelegationBody.of(await delegate(work, wanted))


@router.post("/delegations/{delegation_id}/end", status_code=204, dependencies=_APPROVES)
async def post_end(work: WorkDep, delegation_id: UUID) -> None:
    """End a delegation that you gave, at once."""
    await end_delegation(work, delegation_id)


async def _decide(work: Work, decide: _Decide, decision: Decision, response: Response) -> RequestBody:
    await seen_request(work, decision.request_id)
    return _versioned(await decide(work, decision), response)


def _versioned(request: Request, response: Response) -> RequestBody:
    response.headers["etag"] = f'"{request.version}"'
    return RequestBody.of(request)


def _staff(text: str | None) -> StaffId | None:
    return StaffId(text) if text else None
