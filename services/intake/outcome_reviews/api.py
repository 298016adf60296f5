"""/report/api/v1/reports/{reference}/review: ask for the outcome to be looked at again."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services.intake.outcome_reviews.handlers import REASON_LIMIT, ask_for_review
from services.intake.reports.access import ByClient
from services.intake.tracking.api import StatusBody, body_of
from services.intake.tracking.queries import status_of
from shared.web.bodies import Body, Text
from shared.web.dependencies import Now, OutboxDep, Transaction

router = APIRouter(prefix="/report/api/v1", tags=["outcome reviews"])


class ReviewRequestBody(Body):
    """Why the outcome should be looked at again."""

    reason: Annotated[Text, Field(max_length=REASON_LIMIT)]


@router.post("/reports/{reference}/review", status_code=201, response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_review(
    body: ReviewRequestBody, report: ByClient, session: Transaction, now: Now, outbox: OutboxDep
) -> StatusBody:
    """Ask for the outcome to be looked at again, by someone else than who decided it: once, when it is finished."""
    await ask_for_review(session, report, body.reason, now, outbox)
    return body_of(await status_of(session, report, now))
