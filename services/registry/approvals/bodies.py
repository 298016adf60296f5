"""Requests and delegations as JSON."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.registry.accounts.domain import Vetting
from services.registry.approvals.domain import About, Delegation, Draft, Request, RequestState
from services.registry.context.dependencies import Day, Name, Words
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountClass
from shared.ids import StaffId
from shared.web.bodies import Body
from shared.web.problems import FieldProblem, standard_problem


class RequestBody(BaseModel):
    """One request."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    request_id: UUID
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

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return what a client sees of a request."""
        draft = request.draft
        return cls(
            request_id=request.id,
            account_id=request.account_id,
            about=request.about,
            state=request.state,
            platform=draft.platform,
            handle=draft.handle,
            account_class=draft.account_class,
            title=draft.title,
            owner=draft.owner,
            approved_person=draft.approved_person,
            vetting_required=draft.vetting_required,
            requirement=draft.requirement,
            purpose=draft.purpose,
            requested_by=request.requested_by,
            requested_at=request.requested_at,
            changed_at=request.changed_at,
            version=request.version,
            new_platform=request.new_platform,
            reason=request.reason,
            relevance=request.relevance,
            decided_by=request.decided_by,
            on_behalf_of=request.on_behalf_of,
        )


class RequestList(BaseModel):
    """One page of requests."""

    model_config = ConfigDict(frozen=True)

    items: tuple[RequestBody, ...]
    next_cursor: UUID | None


class DraftBody(Body):
    """What is asked for. A personal account is never requested, nor one of a union."""

    platform: Name
    handle: Name
    account_class: AccountClass = Field(validation_alias="class")
    requirement: Words
    purpose: Words
    owner: Name
    title: Name | None = None
    approved_person: Name | None = None
    vetting_required: Vetting | None = None

    def draft(self) -> Draft:
        """Return the draft.

        Raises:
            Problem: 422 for a platform, handle or class that cannot be asked for.
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


UNION = "A union's account is outside the policy and is not requested; communications can note its name"


class ApprovalBody(Body):
    """Why this approver is the relevant member of the directorate, or whose recorded proxy approves."""

    relevance: Words
    on_behalf_of: Name | None = None


class ReasonBody(Body):
    """Why."""

    reason: Words
    on_behalf_of: Name | None = None


class DelegationBody(BaseModel):
    """One delegation."""

    model_config = ConfigDict(frozen=True)

    delegation_id: UUID
    approver: str
    proxy: str
    first_day: date
    last_day: date
    reason: str

    @classmethod
    def of(cls, delegation: Delegation) -> Self:
        """Return what a client sees of a delegation."""
        return cls(
            delegation_id=delegation.id,
            approver=delegation.approver,
            proxy=delegation.proxy,
            first_day=delegation.first_day,
            last_day=delegation.last_day,
            reason=delegation.reason,
        )


class DelegationList(BaseModel):
    """The delegations that one gave or received and that are not over."""

    model_config = ConfigDict(frozen=True)

    items: tuple[DelegationBody, ...]


class NewDelegationBody(Body):
    """Who stands in, on which days, and why."""

    proxy: Name
    first_day: Day
    last_day: Day
    reason: Words


def _handle(platform: str, handle: str) -> str:
    if platform not in PLATFORMS:
        message = f"Choose one of {', '.join(PLATFORMS)}"
        raise standard_problem(422, fields=[FieldProblem(name="platform", message=message)])
    try:
        return canonical_handle(platform, handle)
    except InvalidHandle:
        message = "Enter a handle, or the address of a profile, of that platform"
        raise standard_problem(422, fields=[FieldProblem(name="handle", message=message)]) from None
