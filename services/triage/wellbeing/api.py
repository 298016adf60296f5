"""/cases/api/v1/cases/{case_id}/conflict: a conflict of interest is declared, and ended by a lead.

/cases/api/v1/second-reviews: outcomes that another person decides too.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases.api import CaseDetail, answer
from services.triage.cases.dependencies import WorkDep
from services.triage.wellbeing import handlers, queries
from shared.events.vocabulary import Outcome, ReportType, Team
from shared.web.bodies import Body, Line, Text

router = APIRouter(prefix="/cases/api/v1", tags=["wellbeing"])


class PersonBody(Body):
    """Whom a lead lets see the case again."""

    staff_id: Annotated[Line, Field(min_length=1, max_length=40)]


@router.post("/cases/{case_id}/conflict", status_code=204)
async def declare_conflict(work: WorkDep, case_id: UUID) -> None:
    """Declare a conflict of interest. You no longer see this case or others of its report; a lead can end that.

    A restricted case for which no one else is named goes to the triage desk, if you lead its team.
    """
    await handlers.declare_conflict(work, case_id)


@router.post("/cases/{case_id}/hand-over")
async def hand_over(work: WorkDep, case_id: UUID, response: Response) -> CaseDetail:
    """Give your case back to the queue, no questions asked. Only leads of the team learn that you handed it over."""
    return await answer(work.session, await handlers.hand_over(work, case_id), response)


@router.post("/cases/{case_id}/conflict/end")
async def end_conflict(work: WorkDep, case_id: UUID, body: PersonBody, response: Response) -> CaseDetail:
    """Let a person see the case again, as a lead of the team that has it."""
    return await answer(work.session, await handlers.end_conflict(work, case_id, body.staff_id), response)


class WaitingItem(BaseModel):
    """A case that a second person decides about, without what the first one decided, and without its priority.

    Most urgent cases are only here because no violation was found.
    """

    review_id: UUID
    report_type: ReportType
    team: Team
    chosen_at: AwareDatetime


class WaitingList(BaseModel):
    """Those that you may decide, which wait longest first: 50 at most."""

    items: list[WaitingItem]


class SecondDecisionBody(Body):
    """How you think that the case should end, and why."""

    outcome: Outcome
    reason: Annotated[Text, Field(min_length=1, max_length=2_000)]


class SecondDecision(BaseModel):
    """What both people decided."""

    model_config = ConfigDict(from_attributes=True)

    outcome: Outcome
    second_outcome: Outcome
    agrees: bool


@router.get("/second-reviews")
async def list_second_reviews(work: WorkDep) -> WaitingList:
    """List the cases that another person decided and that you may decide too; read them on their pages."""
    found = await queries.waiting(work.session, work.viewer)
    items = [
        WaitingItem(
            review_id=review.review_id,
            report_type=case.report_type,
            team=review.team,
            chosen_at=review.chosen_at,
        )
        for review, case in found
    ]
    return WaitingList(items=items)


@router.post("/second-reviews/{review_id}")
async def decide_second(work: WorkDep, review_id: UUID, body: SecondDecisionBody) -> SecondDecision:
    """Say how the case should end. The case stays as it is; you learn what the first person decided."""
    return SecondDecision.model_validate(await handlers.decide(work, review_id, body.outcome, body.reason))
