"""Pages of the register: the list, registration, import, and the forms that change an account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts import forms, handlers
from services.registry.accounts.csv_file import AccountCells, import_csv
from services.registry.accounts.domain import CLASS_LABELS, STATUS_LABELS
from services.registry.accounts.queries import known_account, list_accounts
from services.registry.accounts.refusals import REFUSALS
from services.registry.accounts.views import account_view
from services.registry.context.dependencies import WorkDep
from services.registry.context.domain import uk_day
from services.registry.context.forms import ImportPage, RegistryForm, read_import, show_import
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.csv import columns, needed_columns
from shared.events.platforms import PLATFORMS
from shared.people import names_of
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.pages import render, show_form
from shared.web.refusals import attempt

router = APIRouter(prefix="/accounts", include_in_schema=False)

Viewer = Annotated[Principal, requires(Permission.SEE_REGISTER)]
Manager = Annotated[Principal, requires(Permission.MANAGE_REGISTER)]
_MANAGES = [requires(Permission.MANAGE_REGISTER)]


@router.get("", response_class=HTMLResponse)
async def show_register(
    request: Request, session: Transaction, now: Now, asked: forms.FilterDep, viewer: Viewer, cursor: UUID | None = None
) -> HTMLResponse:
    """Show a page of the register."""
    page = await list_accounts(session, asked.wanted, cursor=cursor)
    names = await names_of(session, (account.registration.owner for account in page.items))
    return render(
        request,
        "accounts/register.html",
        names=names,
        accounts=[account_view(account, now) for account in page.items],
        asked=asked,
        next=asked.address(cursor=page.next_cursor) if page.next_cursor else None,
        first=asked.address() if cursor else None,
        choices={"class": CLASS_LABELS, "platform": PLATFORMS, "status": STATUS_LABELS},
        manages=viewer.may(Permission.MANAGE_REGISTER),
        asks=viewer.may(Permission.REQUEST_ACCOUNTS),
        records=viewer.may(Permission.RECORD_GATES),
    )


@router.get("/new", response_class=HTMLResponse)
async def ask_for_registration(request: Request, _manager: Manager) -> HTMLResponse:
    """Show the registration form."""
    return _registration_form(request)


@router.post("/new", response_class=HTMLResponse)
async def post_registration(
    request: Request, session: Transaction, manager: Manager, now: Now, ids: IdsDep, outbox: OutboxDep
) -> Response:
    """Register an account, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    registration = forms.read_registration(form, uk_day(now))
    if registration:
        try:
            registered = await handlers.register(
                session, [registration], outbox=outbox, now=now, ids=ids, actor=manager.subject
            )
            return RedirectResponse(f"/accounts/{registered[0]}", 303)
        except handlers.HandleTaken:
            form.errors.add("handle", "This handle is on the register already: one account has one purpose")
    return _registration_form(request, form)


@router.get("/{account_id:uuid}/details", response_class=HTMLResponse, dependencies=_MANAGES)
async def ask_for_details(request: Request, session: Transaction, account_id: UUID) -> HTMLResponse:
    """Show the details of an account in a form."""
    account = await known_account(session, account_id)
    kept = account.registration
    known = RegistryForm.of(
        title=kept.title,
        owner=kept.owner,
        vetting_required=kept.vetting_required,
        next_review_on=kept.next_review_on,
    )
    return show_form(request, forms.details_page(account), known)


@router.post("/{account_id:uuid}/details", response_class=HTMLResponse, dependencies=_MANAGES)
async def post_details(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Change the details of an account."""
    form = await RegistryForm.posted(request)
    details = forms.read_details(account_id, form)
    refused = (
        await attempt(work.session, handlers.change_details(work, details), form.errors, REFUSALS, "title")
        if details
        else 422
    )
    if isinstance(refused, int):
        return show_form(request, forms.details_page(await known_account(work.session, account_id)), form, refused)
    return RedirectResponse(f"/accounts/{account_id}", 303)


@router.get("/{account_id:uuid}/close", response_class=HTMLResponse, dependencies=_MANAGES)
async def ask_for_closing(request: Request, session: Transaction, account_id: UUID) -> HTMLResponse:
    """Ask why the account is closed, and for evidence."""
    return show_form(request, forms.closing_page(await known_account(session, account_id)))


@router.post("/{account_id:uuid}/close", response_class=HTMLResponse, dependencies=_MANAGES)
async def post_closing(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Close an account."""
    form = await RegistryForm.posted(request)
    closing = forms.read_closing(account_id, form)
    refused = (
        await attempt(work.session, handlers.close(work, closing), form.errors, REFUSALS, "evidence")
        if closing
        else 422
    )
    if isinstance(refused, int):
        return show_form(request, forms.closing_page(await known_account(work.session, account_id)), form, refused)
    return RedirectResponse(f"/accounts/{account_id}", 303)


def _registration_form(request: Request, form: RegistryForm | None = None) -> HTMLResponse:
    return show_form(request, forms.REGISTRATION, form, template="accounts/new.html")


IMPORT = ImportPage(
    title="Import accounts",
    action="/accounts/import",
    back=("All accounts", "/accounts"),
    needed=needed_columns(AccountCells),
    possible=columns(AccountCells)[len(needed_columns(AccountCells)) :],
    command="signpost accounts import",
)


@router.get("/import", response_class=HTMLResponse)
async def ask_for_import(request: Request, _manager: Manager) -> HTMLResponse:
    """Show the form."""
    return show_import(request, IMPORT, RegistryForm({}))


@router.post("/import", response_class=HTMLResponse)
async def post_import(
    request: Request, session: Transaction, manager: Manager, now: Now, ids: IdsDep, outbox: OutboxDep
) -> HTMLResponse:
    """Import pasted rows; with any error nothing changes, unless the person asked to import the valid rows."""
    form = await RegistryForm.posted(request)
    text, accept_valid = read_import(form, IMPORT)
    if form.errors:
        return show_import(request, IMPORT, form)
    result = await import_csv(
        session, text, accept_valid=accept_valid, outbox=outbox, now=now, ids=ids, actor=manager.subject
    )
    summary = f"{result.registered} registered, {result.unchanged} already on the register"
    return show_import(request, IMPORT, form, result, summary)


_RECORDS = [requires(Permission.RECORD_GATES)]


@router.get("/{account_id:uuid}/review", response_class=HTMLResponse, dependencies=_RECORDS)
async def ask_for_review(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form."""
    return show_form(request, forms.review_page(await known_account(work.session, account_id)))


@router.post("/{account_id:uuid}/review", response_class=HTMLResponse, dependencies=_RECORDS)
async def post_review(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Record a review, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    account = await known_account(work.session, account_id)
    wanted = forms.read_review(account, form)
    status: object = 422
    if wanted:
        status = await attempt(work.session, handlers.review(work, wanted), form.errors, REFUSALS, "outcome")
    if form.errors:
        page = forms.review_page(await known_account(work.session, account_id))
        return show_form(request, page, form, status if isinstance(status, int) else 422)
    return RedirectResponse(f"/accounts/{account_id}", 303)


@router.get("/{account_id:uuid}/recover", response_class=HTMLResponse, dependencies=_RECORDS)
async def ask_for_recovery(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form."""
    return show_form(request, forms.recovery_page(await known_account(work.session, account_id)))


@router.post("/{account_id:uuid}/recover", response_class=HTMLResponse, dependencies=_RECORDS)
async def post_recovery(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Record a recovery, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    status: object = 422
    if done := forms.read_recovery(form):
        step = handlers.recover(work, account_id, *done)
        status = await attempt(work.session, step, form.errors, REFUSALS, "what_was_done")
    if form.errors:
        page = forms.recovery_page(await known_account(work.session, account_id))
        return show_form(request, page, form, status if isinstance(status, int) else 422)
    return RedirectResponse(f"/accounts/{account_id}", 303)
