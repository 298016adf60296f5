"""Reviews as JSON: /accounts/api/v1/accounts/{id}/reviews."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.registry.accounts.api import versioned
from services.registry.accounts.bodies import AccountBody
from services.registry.context.dependencies import Read, WorkDep
from services.registry.reviews.bodies import OutcomeBody, ReviewBody, ReviewList
from services.registry.reviews.handlers import Outcome, review
from services.registry.reviews.queries import reviews_of
from shared.auth.guard import requires
from shared.auth.permissions import Permission

router = APIRouter(prefix="/accounts/api/v1/accounts", tags=["reviews"])


@router.get("/{account_id}/reviews", dependencies=[requires(Permission.SEE_REGISTER)])
async def get_reviews(work: WorkDep, account_id: UUID) -> ReviewList:
    """List the reviews of an account, the newest first."""
    return ReviewList(items=tuple(map(ReviewBody.of, await reviews_of(work.session, account_id))))


@router.post("/{account_id}/reviews", dependencies=[requires(Permission.RECORD_GATES)])
async def post_review(
    work: WorkDep, account_id: UUID, version: Read, body: OutcomeBody, response: Response
) -> AccountBody:
    """Record a review of the account in the version that `If-Match` carries."""
    wanted = Outcome(account_id, version, body.outcome, body.reason, body.next_on, body.evidence)
    return versioned(await review(work, wanted), response)
