"""/cases/api/v1/cases/{case_id}/conflict: a conflict of interest is declared, and ended by a lead."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from services.triage.cases.api import CaseDetail, answer
from services.triage.cases.dependencies import WorkDep
from services.triage.wellbeing import handlers
from shared.web.bodies import Body, Line

router = APIRouter(prefix="/cases/api/v1", tags=["wellbeing"])


class PersonBody(Body):
    """Whom a lead lets see the case again."""

    staff_id: Annotated[Line, Field(min_length=1, max_length=40)]


@router.post("/cases/{case_id}/conflict", status_code=204)
async def declare_conflict(work: WorkDep, case_id: UUID) -> None:
    """Declare a conflict of interest. You no longer see this case or others of its report; a lead can end that."""
    await handlers.declare_conflict(work, case_id)


@router.post("/cases/{case_id}/conflict/end")
async def end_conflict(work: WorkDep, case_id: UUID, body: PersonBody, response: Response) -> CaseDetail:
    """Let a person see the case again, as a lead of the team that has it."""
    return await answer(work.session, await handlers.end_conflict(work, case_id, body.staff_id), response)
