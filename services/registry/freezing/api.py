"""Recovery as JSON: /accounts/api/v1/accounts/{id}/recover."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.registry.accounts.api import versioned
from services.registry.accounts.bodies import AccountBody
from services.registry.context.dependencies import Read, Words, WorkDep
from services.registry.freezing.handlers import recover
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.bodies import Body

router = APIRouter(
    prefix="/accounts/api/v1/accounts", tags=["register"], dependencies=[requires(Permission.RECORD_GATES)]
)


class RecoveryBody(Body):
    """What was done to get the account back."""

    what_was_done: Words


@router.post("/{account_id}/recover")
async def post_recovery(
    work: WorkDep, account_id: UUID, version: Read, body: RecoveryBody, response: Response
) -> AccountBody:
    """Record how a frozen account was recovered; authorisations come back where every gate is passed."""
    return versioned(await recover(work, account_id, version, body.what_was_done), response)
