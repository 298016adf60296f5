"""Pages of training: what was recorded, recording, and importing."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import ImportPage, read_import, show_form, show_import
from services.registry.context.refusals import REFUSALS
from services.registry.training.csv_file import COLUMNS
from services.registry.training.forms import RECORD, read_completion
from services.registry.training.handlers import record
from services.registry.training.importing import import_csv
from services.registry.training.queries import list_training
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.refusals import attempt

router = APIRouter(
    prefix="/accounts/training", include_in_schema=False, dependencies=[requires(Permission.RECORD_GATES)]
)
IMPORT = ImportPage(
    title="Import training records",
    action="/accounts/training/import",
    back=("All training", "/accounts/training"),
    needed=COLUMNS,
    possible=(),
    command="signpost training import",
)


@router.get("", response_class=HTMLResponse)
async def show_training(request: Request, work: WorkDep, cursor: UUID | None = None) -> HTMLResponse:
    """Show what was recorded, the newest first."""
    page = await list_training(work.session, cursor=cursor)
    months = work.periods.training_months
    rows = [(one, one.completion.valid_until(months)) for one in page.items]
    following = f"/accounts/training?cursor={page.next_cursor}" if page.next_cursor else None
    return render(request, "training/training.html", rows=rows, today=work.today, next=following, months=months)


@router.get("/new", response_class=HTMLResponse)
async def ask(request: Request) -> HTMLResponse:
    """Show the form."""
    return show_form(request, RECORD)


@router.post("/new", response_class=HTMLResponse)
async def post_training(request: Request, work: WorkDep) -> Response:
    """Record training, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    if completion := read_completion(answers, errors):
        await attempt(work.session, record(work, [completion]), errors, REFUSALS, "staff_id")
    if errors:
        return show_form(request, RECORD, answers, errors)
    return RedirectResponse("/accounts/training", 303)


@router.get("/import", response_class=HTMLResponse)
async def ask_for_import(request: Request) -> HTMLResponse:
    """Show the form that imports."""
    return show_import(request, IMPORT)


@router.post("/import", response_class=HTMLResponse)
async def post_import(request: Request, work: WorkDep) -> HTMLResponse:
    """Import what was pasted; with any error nothing changes, unless the valid rows are asked for."""
    errors = FormErrors()
    text, accept_valid = read_import(await read_form(request), errors, IMPORT)
    if errors:
        return show_import(request, IMPORT, errors=errors, text=text)
    result = await import_csv(work, text, accept_valid=accept_valid)
    summary = f"{result.recorded} recorded, {result.unchanged} recorded already"
    return show_import(request, IMPORT, errors=errors, text=text, result=result, summary=summary)
