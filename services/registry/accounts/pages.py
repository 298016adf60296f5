"""The register's pages: the list, one account, and what changes them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.bodies import AccountBody, AccountList
from services.registry.accounts.domain import CLASS_LABELS, LEGACY_PERIOD, STATUS_LABELS, next_statuses
from services.registry.accounts.exporting import export_csv
from services.registry.accounts.filters import FilterDep
from services.registry.accounts.forms import Answers, read_registration, read_status_change
from services.registry.accounts.handlers import (
    AccountChangedMeanwhile,
    HandleTaken,
    StatusNotAllowed,
    UnknownAccount,
    change_status,
    register,
)
from services.registry.accounts.queries import all_accounts, get_account, list_accounts
from services.registry.accounts.views import account_view, history_view
from shared.audit import chain
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import AccountClass
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render

router = APIRouter(prefix="/accounts", include_in_schema=False)

Viewer = Annotated[Principal, requires(Permission.SEE_REGISTER)]
Manager = Annotated[Principal, requires(Permission.MANAGE_REGISTER)]


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
    )


@router.get("/export.csv")
async def export_as_csv(session: Transaction, asked: FilterDep, _viewer: Viewer) -> Response:
    """Give the filtered register as CSV."""
    return _download(await export_csv(session, asked.wanted), "text/csv; charset=utf-8", "accounts.csv")


@router.get("/export.json")
async def export_as_json(session: Transaction, asked: FilterDep, _viewer: Viewer) -> Response:
    """Give the filtered register as JSON."""
    bodies = [AccountBody.of(account) async for account in all_accounts(session, asked.wanted)]
    return _download(
        AccountList(items=tuple(bodies), next_cursor=None).model_dump_json(), "application/json", "accounts.json"
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
    registration = read_registration(answers, now.date(), errors)
    if registration:
        try:
            registered = await register(session, [registration], outbox=outbox, now=now, ids=ids, actor=manager.subject)
            return RedirectResponse(f"/accounts/{registered[0]}", 303)
        except HandleTaken:
            errors.add("handle", "This handle is on the register already: one account has one purpose")
    return _registration_form(request, answers, errors, 422)


@router.get("/{account_id:uuid}", response_class=HTMLResponse)
async def show_account(
    request: Request, session: Transaction, account_id: UUID, viewer: Viewer, now: Now
) -> HTMLResponse:
    """Show one account with its history."""
    return await _account_page(request, session, account_id, viewer, now, {}, FormErrors())


@router.post("/{account_id:uuid}/status", response_class=HTMLResponse)
async def post_status(
    request: Request,
    session: Transaction,
    account_id: UUID,
    manager: Manager,
    now: Now,
    ids: IdsDep,
    outbox: OutboxDep,
) -> Response:
    """Change an account's status, or show the page again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    wanted = read_status_change(account_id, answers, errors)
    if wanted is None:
        return await _account_page(request, session, account_id, manager, now, answers, errors)
    try:
        await change_status(session, wanted, outbox=outbox, now=now, ids=ids, actor=manager.subject)
    except AccountChangedMeanwhile:
        errors.add("status", "Somebody changed this account meanwhile. Look at it as it is now, then choose again.")
        return await _account_page(request, session, account_id, manager, now, answers, errors, 412)
    except StatusNotAllowed:
        errors.add("status", "The account cannot go to this status from where it is. Choose another.")
        return await _account_page(request, session, account_id, manager, now, answers, errors, 409)
    return RedirectResponse(f"/accounts/{account_id}", 303)


def _registration_form(request: Request, answers: Answers, errors: FormErrors, status: int) -> HTMLResponse:
    return render(
        request,
        "accounts/new.html",
        status,
        answers=_first(answers),
        errors=errors,
        platforms=PLATFORMS,
        classes=CLASS_LABELS,
        legacy_days=LEGACY_PERIOD.days,
    )


async def _account_page(
    request: Request,
    session: AsyncSession,
    account_id: UUID,
    viewer: Principal,
    now: datetime,
    answers: Answers,
    errors: FormErrors,
    refused: int = 422,
) -> HTMLResponse:
    account = await get_account(session, account_id)
    if account is None:
        raise UnknownAccount
    following = next_statuses(account.registration) if viewer.may(Permission.MANAGE_REGISTER) else ()
    return render(
        request,
        "accounts/account.html",
        refused if errors else 200,
        account=account_view(account, now),
        history=[history_view(activity) for activity in reversed(await chain.read(session, account_id))],
        following=[(status, STATUS_LABELS[status]) for status in following],
        keeps_reason=account.registration.account_class is not AccountClass.UNION,
        answers=_first(answers),
        errors=errors,
    )


def _first(answers: Answers) -> dict[str, str]:
    return {name: values[0].replace("\x00", "") for name, values in answers.items() if values}


def _download(text: str, media_type: str, name: str) -> Response:
    return Response(text, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})
