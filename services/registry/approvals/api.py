"""The creation gate as JSON: /accounts/api/v1/requests, /declarations, /delegations."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry.accounts.domain import Vetting
from services.registry.approvals import handlers
from services.registry.approvals.delegations import NewDelegation, delegate, end_delegation
from services.registry.approvals.domain import About, AccountRequest, Draft, RequestState
from services.registry.approvals.queries import PAGE, RequestFilter, delegations_of, list_requests
from services.registry.context.dependencies import Day, Id, Name, Read, Words, WorkDep, read_through
from services.registry.context.domain import unreadable_handle
from services.registry.context.work import Work
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountClass
from shared.ids import AccountId, StaffId
from shared.web.bodies import Body
from shared.web.problems import FieldProblem, standard_problem


class RequestBody(BaseModel):
    """One request."""

    model_config = ConfigDict(
        frozen=True, alias_generator=read_through("draft"), validate_by_name=True, serialize_by_alias=True
    )

    request_id: UUID = Field(validation_alias="id")
    account_id: UUID
    about: About
    state: RequestState
    platform: str
    handle: str
    account_class: AccountClass = Field(serialization_alias="class")
    title: str | None
    owner: str
    approved_person: str | None
    vetting_required: Vetting | None
    requirement: str
    purpose: str
    requested_by: str
    requested_at: datetime
    changed_at: datetime
    version: int
    new_platform: bool
    reason: str | None
    relevance: str | None
    decided_by: str | None
    on_behalf_of: str | None


class RequestList(BaseModel):
    """One page of requests."""

    model_config = ConfigDict(frozen=True)

    items: tuple[RequestBody, ...]
    next_cursor: UUID | None


class DraftBody(Body):
    """The requested account. Neither a personal account nor a union's can be requested."""

    platform: Id
    handle: Id
    account_class: AccountClass = Field(validation_alias="class")
    requirement: Words
    purpose: Words
    owner: Id
    title: Name | None = None
    approved_person: Id | None = None
    vetting_required: Vetting | None = None

    def draft(self) -> Draft:
        """Return the draft.

        Raises:
            Problem: 422 for a platform, handle or class that cannot be requested.
        """
        if self.account_class is AccountClass.UNION:
            raise standard_problem(422, fields=[FieldProblem(name="class", message=UNION)])
        return Draft(
            platform=self.platform,
            handle=_handle(self.platform, self.handle),
            account_class=self.account_class,
            requirement=self.requirement,
            purpose=self.purpose,
            owner=StaffId(self.owner),
            title=self.title,
            approved_person=StaffId(self.approved_person) if self.approved_person else None,
            vetting_required=self.vetting_required,
        )


UNION = "A union's account is outside the policy and cannot be requested; communications can note its name"


class ApprovalBody(Body):
    """Why this approver is the relevant member of the directorate, or whose recorded proxy approves."""

    relevance: Words
    on_behalf_of: Id | None = None


class ReasonBody(Body):
    """Why."""

    reason: Words
    on_behalf_of: Id | None = None


class DelegationBody(BaseModel):
    """One delegation."""

    model_config = ConfigDict(frozen=True)

    delegation_id: UUID = Field(validation_alias="id")
    approver: str
    proxy: str
    first_day: date
    last_day: date
    reason: str


class DelegationList(BaseModel):
    """Your current and future delegations, given or received."""

    model_config = ConfigDict(frozen=True)

    items: tuple[DelegationBody, ...]


class NewDelegationBody(Body):
    """Who stands in, on which days, and why."""

    proxy: Id
    first_day: Day
    last_day: Day
    reason: Words


def _handle(platform: str, handle: str) -> str:
    if platform not in PLATFORMS:
        message = f"Choose one of {', '.join(PLATFORMS)}"
        raise standard_problem(422, fields=[FieldProblem(name="platform", message=message)])
    try:
        return canonical_handle(platform, handle)
    except InvalidHandle as why:
        raise standard_problem(422, fields=[FieldProblem(name="handle", message=unreadable_handle(why))]) from None


router = APIRouter(prefix="/accounts/api/v1", tags=["requests"])
_ASKS = [requires(Permission.REQUEST_ACCOUNTS)]
_CLEARS = [requires(Permission.CLEAR_NEW_PLATFORMS)]
_APPROVES = [requires(Permission.APPROVE_ACCOUNTS)]
_Decide = Callable[[Work, handlers.RequestDecision], Awaitable[AccountRequest]]


@router.get("/requests")
async def get_requests(
    work: WorkDep,
    state: Annotated[tuple[RequestState, ...], Query()] = (),
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> RequestList:
    """List requests, the newest change first: all, if you may see them, otherwise your own."""
    own = None if await handlers.sees_all_requests(work) else work.person
    page = await list_requests(work.session, RequestFilter(state, own), cursor=cursor, limit=limit)
    return RequestList(
        items=tuple(RequestBody.model_validate(one, from_attributes=True) for one in page.items),
        next_cursor=page.next_cursor,
    )


@router.post("/requests", status_code=201, dependencies=_ASKS)
async def post_request(work: WorkDep, body: DraftBody, response: Response) -> RequestBody:
    """Ask for an account."""
    return _versioned(await handlers.request_account(work, body.draft()), response)


@router.post("/declarations", status_code=201)
async def post_declaration(work: WorkDep, body: DraftBody, response: Response) -> RequestBody:
    """Declare an account that exists, as its holder or sponsor; it is legacy until its request is approved."""
    return _versioned(await handlers.declare(work, body.draft()), response)


@router.post("/accounts/{account_id}/checks", status_code=201, dependencies=_ASKS)
async def post_checks(work: WorkDep, account_id: UUID, body: DraftBody, response: Response) -> RequestBody:
    """Request the checks of a legacy account; its platform, handle and class come from the register."""
    return _versioned(await handlers.begin_checks(work, AccountId(account_id), body.draft()), response)


@router.get("/requests/{request_id}")
async def get_one(work: WorkDep, request_id: UUID, response: Response) -> RequestBody:
    """Return one request; its version is the ETag."""
    return _versioned(await handlers.visible_request(work, request_id), response)


@router.post("/requests/{request_id}/clear", dependencies=_CLEARS)
async def post_clearance(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Clear a platform that is not in use yet; an approver decides next."""
    return await _decide(
        work, handlers.clear_platform, handlers.RequestDecision(request_id, version, body.reason), response
    )


@router.post("/requests/{request_id}/approve")
async def post_approval(
    work: WorkDep, request_id: UUID, version: Read, body: ApprovalBody, response: Response
) -> RequestBody:
    """Approve a request: the account is live. For approvers and their recorded proxies."""
    decision = handlers.RequestDecision(request_id, version, body.relevance, _staff(body.on_behalf_of))
    return await _decide(work, handlers.approve, decision, response)


@router.post("/requests/{request_id}/return")
async def post_return(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Return a request with what has to change."""
    decision = handlers.RequestDecision(request_id, version, body.reason, _staff(body.on_behalf_of))
    return await _decide(work, handlers.send_back, decision, response)


@router.post("/requests/{request_id}/refuse")
async def post_refusal(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Refuse a request, for good."""
    decision = handlers.RequestDecision(request_id, version, body.reason, _staff(body.on_behalf_of))
    return await _decide(work, handlers.refuse, decision, response)


@router.post("/requests/{request_id}/withdraw")
async def post_withdrawal(
    work: WorkDep, request_id: UUID, version: Read, body: ReasonBody, response: Response
) -> RequestBody:
    """Withdraw your own request."""
    return await _decide(work, handlers.withdraw, handlers.RequestDecision(request_id, version, body.reason), response)


@router.post("/requests/{request_id}/resubmit")
async def post_again(
    work: WorkDep, request_id: UUID, version: Read, body: DraftBody, response: Response
) -> RequestBody:
    """Send your returned request again, changed."""
    await handlers.visible_request(work, request_id)
    return _versioned(await handlers.resubmit(work, request_id, version, body.draft()), response)


@router.get("/delegations")
async def get_delegations(work: WorkDep) -> DelegationList:
    """List your current and future delegations, given or received."""
    found = await delegations_of(work.session, work.person, work.today)
    return DelegationList(items=tuple(DelegationBody.model_validate(one, from_attributes=True) for one in found))


@router.post("/delegations", status_code=201, dependencies=_APPROVES)
async def post_delegation(work: WorkDep, body: NewDelegationBody) -> DelegationBody:
    """Name a proxy for yourself; one at a time."""
    wanted = NewDelegation(StaffId(body.proxy), body.first_day, body.last_day, body.reason)
    return DelegationBody.model_validate(await delegate(work, wanted), from_attributes=True)


@router.post("/delegations/{delegation_id}/end", status_code=204, dependencies=_APPROVES)
async def post_end(work: WorkDep, delegation_id: UUID) -> None:
    """End a delegation that you gave, at once."""
    await end_delegation(work, delegation_id)


async def _decide(work: Work, decide: _Decide, decision: handlers.RequestDecision, response: Response) -> RequestBody:
    await handlers.visible_request(work, decision.request_id)
    return _versioned(await decide(work, decision), response)


def _versioned(request: AccountRequest, response: Response) -> RequestBody:
    response.headers["etag"] = f'"{request.version}"'
    return RequestBody.model_validate(request, from_attributes=True)


def _staff(text: str | None) -> StaffId | None:
    return StaffId(text) if text else None
