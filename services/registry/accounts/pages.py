"""Pages of the register: the list, registering, importing, and the forms that change an account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.csv_file import COLUMNS, NEEDED, import_csv
from services.registry.accounts.domain import CLASS_LABELS, LEGACY_PERIOD, STATUS_LABELS
from services.registry.accounts.forms import (
    FilterDep,
    closing_page,
    details_page,
    read_closing,
    read_details,
    read_registration,
    read_review,
    recovery_page,
    review_page,
)
from services.registry.accounts.handlers import HandleTaken, change_details, close, recover, register, review
from services.registry.accounts.queries import known_account, list_accounts
from services.registry.accounts.refusals import REFUSALS
from services.registry.accounts.views import VETTING_LABELS, account_view
from services.registry.context.dependencies import WorkDep
from services.registry.context.domain import uk_day
from services.registry.context.forms import (
    Answers,
    Cells,
    ImportPage,
    first_answers,
    given,
    read_import,
    show_form,
    show_import,
)
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.events.platforms import PLATFORMS
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.refusals import attempt

router = APIRouter(prefix="/accounts", include_in_schema=False)

Viewer = Annotated[Principal, requires(Permission.SEE_REGISTER)]
Manager = Annotated[Principal, requires(Permission.MANAGE_REGISTER)]
_MANAGES = [requires(Permission.MANAGE_REGISTER)]


@router.get("", response_class=HTMLResponse)
async def show_register(
    request: Request, session: Transaction, now: Now, asked: FilterDep, viewer: Viewer, cursor: UUID | None = None
) -> HTMLResponse:
    """Show a page of the register."""
    page = await list_accounts(session, asked.wanted, cursor=cursor)
    return render(
        request,
        "accounts/register.html",
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
    return _registration_form(request, {}, FormErrors(), 200)


@router.post("/new", response_class=HTMLResponse)
async def post_registration(
    request: Request, session: Transaction, manager: Manager, now: Now, ids: IdsDep, outbox: OutboxDep
) -> Response:
    """Put an account on the register, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    registration = read_registration(answers, uk_day(now), errors)
    if registration:
        try:
            registered = await register(session, [registration], outbox=outbox, now=now, ids=ids, actor=manager.subject)
            return RedirectResponse(f"/accounts/{registered[0]}", 303)
        except HandleTaken:
            errors.add("handle", "This handle is on the register already: one account has one purpose")
    return _registration_form(request, answers, errors, 422)


@router.get("/{account_id:uuid}/details", response_class=HTMLResponse, dependencies=_MANAGES)
async def ask_for_details(request: Request, session: Transaction, account_id: UUID) -> HTMLResponse:
    """Show what the register holds, to be changed."""
    account = await known_account(session, account_id)
    kept = account.registration
    known = given(
        title=kept.title,
        owner=kept.owner,
        vetting_required=kept.vetting_required,
        next_review_on=kept.next_review_on,
    )
    return show_form(request, details_page(account), known)


@router.post("/{account_id:uuid}/details", response_class=HTMLResponse, dependencies=_MANAGES)
async def post_details(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Change what the register holds."""
    answers, errors = await read_form(request), FormErrors()
    details = read_details(account_id, answers, errors)
    refused = await attempt(work.session, change_details(work, details), errors, REFUSALS, "title") if details else 422
    if isinstance(refused, int):
        return show_form(request, details_page(await known_account(work.session, account_id)), answers, errors, refused)
    return RedirectResponse(f"/accounts/{account_id}", 303)


@router.get("/{account_id:uuid}/close", response_class=HTMLResponse, dependencies=_MANAGES)
async def ask_for_closing(request: Request, session: Transaction, account_id: UUID) -> HTMLResponse:
    """Ask why the account is closed, and for evidence."""
    return show_form(request, closing_page(await known_account(session, account_id)))


@router.post("/{account_id:uuid}/close", response_class=HTMLResponse, dependencies=_MANAGES)
async def post_closing(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Close an account whose removal is evidenced."""
    answers, errors = await read_form(request), FormErrors()
    closing = read_closing(account_id, answers, errors)
    refused = await attempt(work.session, close(work, closing), errors, REFUSALS, "evidence") if closing else 422
    if isinstance(refused, int):
        return show_form(request, closing_page(await known_account(work.session, account_id)), answers, errors, refused)
    return RedirectResponse(f"/accounts/{account_id}", 303)


def _registration_form(request: Request, answers: Answers, errors: FormErrors, status: int) -> HTMLResponse:
    return render(
        request,
        "accounts/new.html",
        status,
        answers=first_answers(answers),
        errors=errors,
        platforms=PLATFORMS,
        classes=CLASS_LABELS,
        vetting=VETTING_LABELS,
        legacy_days=LEGACY_PERIOD.days,
    )


IMPORT = ImportPage(
    title="Import accounts",
    action="/accounts/import",
    back=("All accounts", "/accounts"),
    needed=NEEDED,
    possible=COLUMNS[len(NEEDED) :],
    command="signpost accounts import",
)


@router.get("/import", response_class=HTMLResponse)
async def ask_for_import(request: Request, _manager: Manager) -> HTMLResponse:
    """Show the form."""
    return show_import(request, IMPORT)


@router.post("/import", response_class=HTMLResponse)
async def post_import(
    request: Request, session: Transaction, manager: Manager, now: Now, ids: IdsDep, outbox: OutboxDep
) -> HTMLResponse:
    """Import what was pasted; with any error nothing changes, unless the valid rows are asked for."""
    errors = FormErrors()
    text, accept_valid = read_import(await read_form(request), errors, IMPORT)
    if errors:
        return show_import(request, IMPORT, errors=errors, text=text)
    result = await import_csv(
        session, text, accept_valid=accept_valid, outbox=outbox, now=now, ids=ids, actor=manager.subject
    )
    summary = f"{result.registered} registered, {result.unchanged} already on the register"
    return show_import(request, IMPORT, errors=errors, text=text, result=result, summary=summary)


_RECORDS = [requires(Permission.RECORD_GATES)]


@router.get("/{account_id:uuid}/review", response_class=HTMLResponse, dependencies=_RECORDS)
async def ask_for_review(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form."""
    return show_form(request, review_page(await known_account(work.session, account_id)))


@router.post("/{account_id:uuid}/review", response_class=HTMLResponse, dependencies=_RECORDS)
async def post_review(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Record a review, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    account = await known_account(work.session, account_id)
    wanted = read_review(account, answers, errors)
    status: object = 422
    if wanted:
        status = await attempt(work.session, review(work, wanted), errors, REFUSALS, "outcome")
    if errors:
        page = review_page(await known_account(work.session, account_id))
        return show_form(request, page, answers, errors, status if isinstance(status, int) else 422)
    return RedirectResponse(f"/accounts/{account_id}", 303)


@router.get("/{account_id:uuid}/recover", response_class=HTMLResponse, dependencies=_RECORDS)
async def ask_for_recovery(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form."""
    return show_form(request, recovery_page(await known_account(work.session, account_id)))


@router.post("/{account_id:uuid}/recover", response_class=HTMLResponse, dependencies=_RECORDS)
async def post_recovery(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Record a recovery, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    cells = Cells(answers, errors)
    done, version = cells.words("what_was_done", "Enter what was done"), cells.version("what_was_done")
    status: object = 422
    if done and not errors:
        step = recover(work, account_id, version, done)
        status = await attempt(work.session, step, errors, REFUSALS, "what_was_done")
    if errors:
        page = recovery_page(await known_account(work.session, account_id))
        return show_form(request, page, answers, errors, status if isinstance(status, int) else 422)
    return RedirectResponse(f"/accounts/{account_id}", 303)
