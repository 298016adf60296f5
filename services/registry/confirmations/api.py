"""Confirmations as JSON: /accounts/api/v1/accounts/{account_id}/confirmation."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry.accounts.api import AccountBody, versioned
from services.registry.accounts.queries import known_account
from services.registry.confirmations.handlers import NewConfirmation, confirm
from services.registry.confirmations.queries import confirmation_of, lookalikes_of
from services.registry.context.dependencies import Read, Words, WorkDep
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.bodies import Body, Bool, Link

router = APIRouter(prefix="/accounts/api/v1/accounts", tags=["confirmations"])


class ConfirmationBody(BaseModel):
    """What was recorded when the account was confirmed."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    address: str
    how_known: str
    lookalikes: str | None
    confirmed_by: str
    confirmed_at: datetime


class LookalikeBody(BaseModel):
    """Another account on the register with a similar name."""

    model_config = ConfigDict(frozen=True)

    account_id: UUID
    platform: str
    handle: str


class ConfirmationState(BaseModel):
    """The confirmation of an account, null until there is one, and the similar names on the register."""

    model_config = ConfigDict(frozen=True)

    confirmation: ConfirmationBody | None
    similar: tuple[LookalikeBody, ...]


class FoundBody(Body):
    """What you found on the platform: the profile's address, how you know that it is ours, and any look-alikes."""

    address: Annotated[Link, Field(min_length=1, max_length=2000)]
    how_known: Words
    searched_for_lookalikes: Bool
    lookalikes: Words | None = None


@router.get("/{account_id}/confirmation", dependencies=[requires(Permission.SEE_REGISTER)])
async def get_confirmation(work: WorkDep, account_id: UUID) -> ConfirmationState:
    """Return the confirmation of an account, and the names on the register that look like its own."""
    account = await known_account(work.session, account_id)
    found = await confirmation_of(work.session, account_id)
    similar = [
        LookalikeBody(account_id=one.id, platform=one.registration.platform, handle=one.registration.handle)
        for one in await lookalikes_of(work.session, account)
    ]
    recorded = ConfirmationBody.model_validate(found) if found else None
    return ConfirmationState(confirmation=recorded, similar=tuple(similar))


@router.post("/{account_id}/confirmation", dependencies=[requires(Permission.CONFIRM_ACCOUNTS)])
async def post_confirmation(
    work: WorkDep, account_id: UUID, version: Read, body: FoundBody, response: Response
) -> AccountBody:
    """Record that an approved account exists and is ours: it is live from now on. `If-Match` has the version read."""
    wanted = NewConfirmation(
        account_id, version, body.address, body.how_known, body.searched_for_lookalikes, body.lookalikes
    )
    return versioned(await confirm(work, wanted), response)
