"""/cases/SP-…/people-told: the tab that shows each alert about a report: to whom by role, and what came of it."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.triage.cases.dependencies import WorkDep
from services.triage.cases.pages import Shown, Tab, opened, show
from services.triage.people_told import queries
from services.triage.people_told.domain import ANSWERS

router = APIRouter(include_in_schema=False)


@router.get("/cases/SP-{rest}/people-told")
async def people_told_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show who was told."""
    case = await opened(work, rest)
    told = await queries.of_case(work.session, work.viewer, case)
    shown = Shown({"told": told, "answers": ANSWERS}, [])
    return await show(request, work, case, tab=Tab.PEOPLE_TOLD, shown=shown)
