"""The register as JSON: /accounts/api/v1/accounts."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry.accounts import handlers, queries
from services.registry.accounts.csv_file import export_csv
from services.registry.accounts.domain import Account, ReviewOutcome, Vetting
from services.registry.accounts.forms import FilterDep
from services.registry.context.dependencies import Day, Id, Name, Read, Words, WorkDep, read_through
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import StaffId
from shared.web.bodies import Body
from shared.web.dependencies import Transaction


class AccountBody(BaseModel):
    """One account."""

    model_config = ConfigDict(
        frozen=True, alias_generator=read_through("registration"), validate_by_name=True, serialize_by_alias=True
    )

    account_id: UUID = Field(validation_alias="id")
    platform: str
    handle: str
    account_class: AccountClass = Field(serialization_alias="class")
    status: AccountStatus
    official_use: bool
    title: str | None
    owner: str | None
    approved_person: str | None
    next_review_on: date | None
    checks_due_on: date | None
    vetting_required: Vetting | None
    declared: bool
    version: int
    registered_at: datetime
    changed_at: datetime


class AccountList(BaseModel):
    """One page of the register."""

    model_config = ConfigDict(frozen=True)

    items: tuple[AccountBody, ...]
    next_cursor: UUID | None


class StatusBody(Body):
    """The new status of an account, and why."""

    status: AccountStatus
    reason: Words


class ClosingBody(Body):
    """Why an account is closed, and the evidence that it is no longer on the platform."""

    reason: Words
    evidence: Words


class DetailsBody(Body):
    """The new details of an account; a field that is left out is cleared."""

    title: Name | None = None
    owner: Id | None = None
    vetting_required: Vetting | None = None
    next_review_on: Day | None = None


class RecoveryBody(Body):
    """What was done to get the account back."""

    what_was_done: Words


class ReviewBody(BaseModel):
    """One review."""

    model_config = ConfigDict(frozen=True)

    review_id: UUID = Field(validation_alias="id")
    due_on: date | None
    outcome: ReviewOutcome
    reason: str
    next_on: date | None
    reviewed_by: str
    reviewed_at: datetime


class ReviewList(BaseModel):
    """The reviews of an account, the newest first."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ReviewBody, ...]


class OutcomeBody(Body):
    """What a review decided: `next_on` unless the account is closed, `evidence` if it is."""

    outcome: ReviewOutcome
    reason: Words
    next_on: Day | None = None
    evidence: Words | None = None


router = APIRouter(prefix="/accounts/api/v1/accounts", tags=["register"])
reviews_router = APIRouter(prefix="/accounts/api/v1/accounts", tags=["reviews"])
exports_router = APIRouter(prefix="/accounts", include_in_schema=False)
_SEES = [requires(Permission.SEE_REGISTER)]
_MANAGES = [requires(Permission.MANAGE_REGISTER)]
_RECORDS = [requires(Permission.RECORD_GATES)]


@router.get("", dependencies=_SEES)
async def get_accounts(
    session: Transaction,
    asked: FilterDep,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = queries.PAGE,
) -> AccountList:
    """List the register, filtered by `class`, `platform`, `status` (each repeatable) and `overdue=yes`."""
    page = await queries.list_accounts(session, asked.wanted, cursor=cursor, limit=limit)
    return AccountList(
        items=tuple(AccountBody.model_validate(one, from_attributes=True) for one in page.items),
        next_cursor=page.next_cursor,
    )


@router.get("/{account_id}", dependencies=_SEES)
async def get_one(session: Transaction, account_id: UUID, response: Response) -> AccountBody:
    """Return one account; its version is the ETag."""
    return versioned(await queries.known_account(session, account_id), response)


@router.post("/{account_id}/status", dependencies=_MANAGES)
async def post_status(
    work: WorkDep, account_id: UUID, version: Read, body: StatusBody, response: Response
) -> AccountBody:
    """Freeze an account, or close one of a union; `If-Match` must have the version that you read."""
    wanted = handlers.StatusChange(account_id, version, body.status, body.reason)
    return versioned(await handlers.change_status(work, wanted), response)


@router.post("/{account_id}/close", dependencies=_MANAGES)
async def post_closing(
    work: WorkDep, account_id: UUID, version: Read, body: ClosingBody, response: Response
) -> AccountBody:
    """Close an account, with evidence that it was removed from the platform."""
    closing = handlers.Closing(account_id, version, body.reason, body.evidence)
    return versioned(await handlers.close(work, closing), response)


@router.post("/{account_id}/details", dependencies=_MANAGES)
async def post_details(
    work: WorkDep, account_id: UUID, version: Read, body: DetailsBody, response: Response
) -> AccountBody:
    """Change the details of an account: title, owner, vetting required, next review."""
    details = handlers.Details(
        account_id,
        version,
        title=body.title,
        owner=StaffId(body.owner) if body.owner else None,
        vetting_required=body.vetting_required,
        next_review_on=body.next_review_on,
    )
    return versioned(await handlers.change_details(work, details), response)


def versioned(account: Account, response: Response) -> AccountBody:
    """Return an account's body; its version becomes the ETag."""
    response.headers["etag"] = f'"{account.version}"'
    return AccountBody.model_validate(account, from_attributes=True)


@reviews_router.get("/{account_id}/reviews", dependencies=_SEES)
async def get_reviews(work: WorkDep, account_id: UUID) -> ReviewList:
    """List the reviews of an account, the newest first."""
    found = await queries.reviews_of(work.session, account_id)
    return ReviewList(items=tuple(ReviewBody.model_validate(one, from_attributes=True) for one in found))


@reviews_router.post("/{account_id}/reviews", dependencies=_RECORDS)
async def post_review(
    work: WorkDep, account_id: UUID, version: Read, body: OutcomeBody, response: Response
) -> AccountBody:
    """Record a review of the account, in the version in `If-Match`."""
    wanted = handlers.NewReview(account_id, version, body.outcome, body.reason, body.next_on, body.evidence)
    return versioned(await handlers.review(work, wanted), response)


@router.post("/{account_id}/recover", dependencies=_RECORDS)
async def post_recovery(
    work: WorkDep, account_id: UUID, version: Read, body: RecoveryBody, response: Response
) -> AccountBody:
    """Record how a frozen account was recovered; operators who pass every gate are authorised again."""
    return versioned(await handlers.recover(work, account_id, version, body.what_was_done), response)


@exports_router.get("/export.csv", dependencies=_SEES)
async def export_as_csv(session: Transaction, asked: FilterDep) -> Response:
    """Return the filtered register as CSV."""
    return _download(await export_csv(session, asked.wanted), "text/csv; charset=utf-8", "accounts.csv")


@exports_router.get("/export.json", dependencies=_SEES)
async def export_as_json(session: Transaction, asked: FilterDep) -> Response:
    """Return the filtered register as JSON."""
    bodies = [
        AccountBody.model_validate(account, from_attributes=True)
        async for account in queries.all_accounts(session, asked.wanted)
    ]
    return _download(
        AccountList(items=tuple(bodies), next_cursor=None).model_dump_json(), "application/json", "accounts.json"
    )


def _download(text: str, media_type: str, name: str) -> Response:
    return Response(text, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})
