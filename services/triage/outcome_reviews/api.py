"""/cases/api/v1/cases/{case_id}/review: who asked for an outcome to be looked at again, and what came of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases import queries as cases
from services.triage.cases.api import CaseDetail, Read, answer
from services.triage.cases.dependencies import WorkDep
from services.triage.outcome_reviews import handlers, queries
from shared.events.vocabulary import Outcome, ReviewResult
from shared.web.bodies import Body, Text

router = APIRouter(prefix="/cases/api/v1", tags=["outcome reviews"])


class Decision(StrEnum):
    """What is decided about an outcome."""

    UPHOLD = "uphold"
    CHANGE = "change"
    """Reopens the case for the person who decides."""


RESULTS: Mapping[Decision, ReviewResult] = {
    Decision.UPHOLD: ReviewResult.UPHELD,
    Decision.CHANGE: ReviewResult.CHANGED,
}


class ReviewItem(BaseModel):
    """One request to look at an outcome again. Without `result`, it waits, or the team reopened the case first."""

    model_config = ConfigDict(from_attributes=True)

    outcome: Outcome
    asked_at: AwareDatetime
    due_at: AwareDatetime
    resolved_by: str | None
    result: ReviewResult | None
    decided_by: str | None
    decided_at: AwareDatetime | None


class ReviewList(BaseModel):
    """The requests about one case, oldest first."""

    items: list[ReviewItem]


class DecisionBody(Body):
    """Whether the outcome stands, and why. The reporter learns the result, not the reason."""

    result: Decision
    reason: Annotated[Text, Field(min_length=1, max_length=2_000)]


@router.get("/cases/{case_id}/review")
async def list_reviews(work: WorkDep, case_id: UUID) -> ReviewList:
    """List the requests to look at this case's outcomes again; the reporter's reasons are content, on the page."""
    await cases.get(work.session, work.viewer, case_id)
    found = await queries.of_case(work.session, case_id)
    return ReviewList(items=[ReviewItem.model_validate(one) for one in found])


@router.post("/cases/{case_id}/review")
async def decide(work: WorkDep, case_id: UUID, read: Read, body: DecisionBody, response: Response) -> CaseDetail:
    """Let the outcome stand, or reopen the case. Who resolved it cannot decide this."""
    case = await handlers.decide(work, case_id, read, RESULTS[body.result], body.reason)
    return await answer(work.session, case, response)
