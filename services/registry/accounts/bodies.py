"""Accounts as JSON."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.registry.accounts.domain import Account, Vetting
from services.registry.context.dependencies import Day, Name, Words
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.web.bodies import Body


class AccountBody(BaseModel):
    """One account."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    account_id: UUID
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

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return what a client sees of an account."""
        kept = account.registration
        return cls(
            account_id=account.id,
            platform=kept.platform,
            handle=kept.handle,
            account_class=kept.account_class,
            status=kept.status,
            official_use=kept.official_use,
            title=kept.title,
            owner=kept.owner,
            approved_person=kept.approved_person,
            next_review_on=kept.next_review_on,
            checks_due_on=kept.checks_due_on,
            vetting_required=kept.vetting_required,
            declared=not kept.vouched_for,
            version=account.version,
            registered_at=account.registered_at,
            changed_at=account.changed_at,
        )


class AccountList(BaseModel):
    """One page of the register."""

    model_config = ConfigDict(frozen=True)

    items: tuple[AccountBody, ...]
    next_cursor: UUID | None


class StatusBody(Body):
    """What an account's status should be, and why."""

    status: AccountStatus
    reason: Words


class ClosingBody(Body):
    """Why an account is closed, and how one knows that it is gone from the platform."""

    reason: Words
    evidence: Words


class DetailsBody(Body):
    """What the register should hold; what is left out is taken away."""

    title: Name | None = None
    owner: Name | None = None
    vetting_required: Vetting | None = None
    next_review_on: Day | None = None
