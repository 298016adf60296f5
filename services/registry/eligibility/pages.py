"""Pages of training and vetting: the records, the forms that add to them, and the import of training."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.domain import Vetting
from services.registry.accounts.views import VETTING_LABELS
from services.registry.context import dependencies as context
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import ImportPage, RegistryForm, read_import, show_import
from services.registry.eligibility import handlers
from services.registry.eligibility.domain import Clearance, Completion
from services.registry.eligibility.queries import list_training, list_vetting
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.csv import columns
from shared.people import names_of
from shared.web.forms import Field, FormPage, Kind, Option, options
from shared.web.pages import render, show_form
from shared.web.refusals import Refusal, Refusals, attempt

REFUSALS: Refusals = {
    **context.REFUSALS,
    handlers.OwnVetting: Refusal(403, "own-vetting", "Another person records your own vetting", field="staff_id"),
}


training_router = APIRouter(
    prefix="/accounts/training", include_in_schema=False, dependencies=[requires(Permission.RECORD_GATES)]
)
vetting_router = APIRouter(
    prefix="/accounts/vetting", include_in_schema=False, dependencies=[requires(Permission.RECORD_GATES)]
)
RECORD_TRAINING = FormPage(
    title="Record training",
    action="/accounts/training/new",
    button="Record",
    back=("All training", "/accounts/training"),
    fields=(
        Field("staff_id", "Staff ID of the person who completed it", Kind.ID),
        Field("course", "Course"),
        Field("completed_on", "Completed on", Kind.DAY),
    ),
)
RECORD_VETTING = FormPage(
    title="Record vetting",
    action="/accounts/vetting/new",
    button="Record",
    back=("All vetting", "/accounts/vetting"),
    intro=("From now on, what you record here replaces what was recorded before.",),
    fields=(
        Field("staff_id", "Staff ID of the person who was vetted", Kind.ID),
        Field("level", "Level", Kind.SELECT, options=(Option("", "None, or withdrawn"), *options(VETTING_LABELS))),
        Field("expires_on", "Last day (optional)", Kind.DAY),
    ),
)
IMPORT = ImportPage(
    title="Import training records",
    action="/accounts/training/import",
    back=("All training", "/accounts/training"),
    needed=columns(handlers.TrainingCells),
    possible=(),
    command="signpost training import",
)


@training_router.get("", response_class=HTMLResponse)
async def show_training(request: Request, work: WorkDep, cursor: UUID | None = None) -> HTMLResponse:
    """Show the records, the newest first."""
    page = await list_training(work.session, cursor=cursor)
    months = work.periods.training_months
    rows = [(one, one.completion.valid_until(months)) for one in page.items]
    people = [staff_id for one in page.items for staff_id in (one.completion.staff_id, one.recorded_by)]
    names = await names_of(work.session, people)
    following = f"/accounts/training?cursor={page.next_cursor}" if page.next_cursor else None
    return render(
        request,
        "eligibility/training.html",
        rows=rows,
        names=names,
        today=work.today,
        next=following,
        months=months,
    )


@training_router.get("/new", response_class=HTMLResponse)
async def ask_for_training(request: Request) -> HTMLResponse:
    """Show the form."""
    return show_form(request, RECORD_TRAINING)


@training_router.post("/new", response_class=HTMLResponse)
async def post_training(request: Request, work: WorkDep) -> Response:
    """Record training, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    if completion := read_completion(form):
        await attempt(work.session, handlers.record_training(work, [completion]), form.errors, REFUSALS, "staff_id")
    if form.errors:
        return show_form(request, RECORD_TRAINING, form)
    return RedirectResponse("/accounts/training", 303)


@training_router.get("/import", response_class=HTMLResponse)
async def ask_for_import(request: Request) -> HTMLResponse:
    """Show the form that imports."""
    return show_import(request, IMPORT, RegistryForm({}))


@training_router.post("/import", response_class=HTMLResponse)
async def post_import(request: Request, work: WorkDep) -> HTMLResponse:
    """Import pasted rows; with any error nothing changes, unless the person asked to import the valid rows."""
    form = await RegistryForm.posted(request)
    text, accept_valid = read_import(form, IMPORT)
    if form.errors:
        return show_import(request, IMPORT, form)
    result = await handlers.import_training(work, text, accept_valid=accept_valid)
    summary = f"{result.recorded} recorded, {result.unchanged} recorded already"
    return show_import(request, IMPORT, form, result, summary)


@vetting_router.get("", response_class=HTMLResponse)
async def show_vetting(request: Request, work: WorkDep, cursor: UUID | None = None) -> HTMLResponse:
    """Show the records, the newest first."""
    page = await list_vetting(work.session, cursor=cursor)
    people = [staff_id for one in page.items for staff_id in (one.clearance.staff_id, one.recorded_by)]
    names = await names_of(work.session, people)
    following = f"/accounts/vetting?cursor={page.next_cursor}" if page.next_cursor else None
    return render(
        request,
        "eligibility/vetting.html",
        records=page.items,
        names=names,
        levels=VETTING_LABELS,
        next=following,
    )


@vetting_router.get("/new", response_class=HTMLResponse)
async def ask_for_vetting(request: Request) -> HTMLResponse:
    """Show the form."""
    return show_form(request, RECORD_VETTING)


@vetting_router.post("/new", response_class=HTMLResponse)
async def post_vetting(request: Request, work: WorkDep) -> Response:
    """Record vetting, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    clearance = read_clearance(form)
    done = (
        await attempt(work.session, handlers.record_vetting(work, clearance), form.errors, REFUSALS, "staff_id")
        if clearance
        else 422
    )
    if isinstance(done, int):
        return show_form(request, RECORD_VETTING, form, done)
    return RedirectResponse("/accounts/vetting", 303)


def read_completion(form: RegistryForm) -> Completion | None:
    """Read a completion; None if an error was recorded."""
    staff_id = form.staff_id("staff_id", "Enter the staff ID of the person who completed it")
    course = form.name("course", "Enter the course")
    completed_on = form.register_day("completed_on", "The day", "Enter the day it was completed")
    if form.errors or not (staff_id and course and completed_on):
        return None
    return Completion(staff_id, course, completed_on)


def read_clearance(form: RegistryForm) -> Clearance | None:
    """Read a clearance; None if an error was recorded."""
    staff_id = form.staff_id("staff_id", "Enter the staff ID of the person who was vetted")
    level, last_day = form.choice("level", Vetting), form.register_day("expires_on", "The last day")
    if form.errors or not staff_id:
        return None
    return Clearance(staff_id, level, last_day if level else None)
