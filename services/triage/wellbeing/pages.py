"""/cases/SP-…/step-back: leave a case to others. /cases/wellbeing: what was left, and what leads are asked."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import queries as cases
from services.triage.cases.dependencies import ViewerDep, WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.pages import opened
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.wellbeing import handlers, queries
from services.triage.wellbeing.refusals import REFUSALS
from shared.people import names_of
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

PAGE = "/cases/wellbeing"
_CASE = "/cases/SP-{rest}"
_ALL_REFUSALS = {**CASE_REFUSALS, **REFUSALS}
_DONE = {
    "conflict": "You no longer see this case, or other cases of the same report. Your lead can let you see it again.",
    "let-in": "They can see the case again.",
}


@router.get(PAGE)
async def wellbeing_page(request: Request, _viewer: ViewerDep) -> HTMLResponse:
    """Show how to step back from a case, and what came of it."""
    return render(request, "wellbeing.html", done=_done(request))


@router.get(f"{_CASE}/step-back")
async def step_back(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the ways to leave a case to others."""
    return await _step_back(request, work, await opened(work, rest))


@router.post(f"{_CASE}/conflict")
async def declare_conflict(work: WorkDep, rest: str) -> RedirectResponse:
    """Keep the case from the person who asks for it; they cannot see its page any more."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    await handlers.declare_conflict(work, case.case_id)
    return RedirectResponse(f"{PAGE}?done=conflict", 303)


@router.post(f"{_CASE}/step-back")
async def end_conflict(request: Request, work: WorkDep, rest: str) -> Response:
    """Let a person see the case again; if that is refused, show the page again with the reason."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await FormReader.posted(request)
    staff_id = form.line("staff_id", "Choose a person", 40)
    if staff_id is None:
        return await _step_back(request, work, case, errors=form.errors, status=422)
    try:
        await handlers.end_conflict(work, case.case_id, staff_id)
    except tuple(_ALL_REFUSALS) as error:
        status = record_refusal(refusal_of(error, _ALL_REFUSALS), error, form.errors, "staff_id")
        return await _step_back(request, work, case, errors=form.errors, status=status)
    return RedirectResponse(f"/cases/{case.reference}/step-back?done=let-in", 303)


async def _step_back(
    request: Request, work: Work, case: Case, *, errors: FormErrors | None = None, status: int = 200
) -> HTMLResponse:
    leads = case.team in work.viewer.leads
    conflicts = await queries.conflicts(work.session, case.case_id) if leads else []
    return render(
        request,
        "step_back.html",
        status,
        case=case,
        leads=leads,
        conflicts=conflicts,
        names=await names_of(work.session, [one.staff_id for one in conflicts]),
        errors=errors or FormErrors(),
        done=_done(request),
    )


def _done(request: Request) -> str | None:
    """Return the message about the last action: one of our own texts, never one from the URL."""
    return _DONE.get(request.query_params.get("done", ""))
