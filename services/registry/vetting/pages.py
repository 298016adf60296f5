"""Pages of vetting: what was recorded, and recording."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.views import VETTING_LABELS
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import show_form
from services.registry.vetting.forms import RECORD, read_clearance
from services.registry.vetting.handlers import OwnVetting, record
from services.registry.vetting.queries import list_vetting
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.refusals import Refusal, Refusals, attempt

router = APIRouter(
    prefix="/accounts/vetting", include_in_schema=False, dependencies=[requires(Permission.RECORD_GATES)]
)
REFUSALS: Refusals = {
    OwnVetting: Refusal(403, "own-vetting", "Another person records your own vetting", field="staff_id"),
}


@router.get("", response_class=HTMLResponse)
async def show_vetting(request: Request, work: WorkDep, cursor: UUID | None = None) -> HTMLResponse:
    """Show what was recorded, the newest first."""
    page = await list_vetting(work.session, cursor=cursor)
    following = f"/accounts/vetting?cursor={page.next_cursor}" if page.next_cursor else None
    return render(request, "vetting/vetting.html", records=page.items, levels=VETTING_LABELS, next=following)


@router.get("/new", response_class=HTMLResponse)
async def ask(request: Request) -> HTMLResponse:
    """Show the form."""
    return show_form(request, RECORD)


@router.post("/new", response_class=HTMLResponse)
async def post_vetting(request: Request, work: WorkDep) -> Response:
    """Record vetting, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    clearance = read_clearance(answers, errors)
    done = await attempt(work.session, record(work, clearance), errors, REFUSALS, "staff_id") if clearance else 422
    if isinstance(done, int):
        return show_form(request, RECORD, answers, errors, done)
    return RedirectResponse("/accounts/vetting", 303)
