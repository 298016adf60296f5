"""Pages of vetting: what was recorded, and recording."""

from collections.abc import Mapping
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
from shared.web.problems import ProblemType

router = APIRouter(
    prefix="/accounts/vetting", include_in_schema=False, dependencies=[requires(Permission.RECORD_GATES)]
)
PROBLEMS: Mapping[type[Exception], ProblemType] = {
    OwnVetting: ProblemType(403, "own-vetting", "Somebody else records your own vetting"),
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
    if clearance := read_clearance(answers, errors):
        try:
            await record(work, clearance)
        except OwnVetting:
            errors.add("staff_id", "Somebody else records your own vetting")
    if errors:
        return show_form(request, RECORD, answers, errors)
    return RedirectResponse("/accounts/vetting", 303)
