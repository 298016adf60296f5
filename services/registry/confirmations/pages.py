"""The page on which someone records that an approved account exists and is ours."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts import refusals as accounts
from services.registry.accounts.domain import Account
from services.registry.accounts.queries import known_account
from services.registry.accounts.views import account_view, name_of
from services.registry.confirmations.handlers import NewConfirmation, OwnAccount, confirm, must_not_be_party
from services.registry.confirmations.queries import lookalikes_of
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import RegistryForm
from services.registry.context.work import Work
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.platforms import profile_url
from shared.web.forms import LONGEST_TEXT, Field, FormPage, Kind, Option
from shared.web.pages import render
from shared.web.refusals import Refusal, Refusals, attempt

router = APIRouter(prefix="/accounts", include_in_schema=False)
REFUSALS: Refusals = {
    **accounts.REFUSALS,
    OwnAccount: Refusal(
        403,
        "own-account",
        "Another person confirms this account",
        "You asked for it, are responsible for it, or use it.",
    ),
}
_CONFIRMS = [requires(Permission.CONFIRM_ACCOUNTS)]
_FIELDS = (
    Field("address", "Address of its profile", hint="Open it first, and copy the address from the browser"),
    Field("how_known", "How do you know that it is ours?", Kind.TEXT, "For example, its owner posted what you asked"),
    Field(
        "searched_for_lookalikes",
        "Look-alikes",
        Kind.CHECKBOXES,
        "Search the platform for the name, also with a letter more, less or replaced",
        (Option("yes", "I searched the platform for accounts that look like it"),),
    ),
    Field("lookalikes", "Look-alikes that you found (optional)", Kind.TEXT, "Report those that pretend to be us"),
)


@router.get("/{account_id:uuid}/confirm", response_class=HTMLResponse, dependencies=_CONFIRMS)
async def ask_for_confirmation(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form, with where the account should be and the similar names on the register."""
    account = await known_account(work.session, account_id)
    await must_not_be_party(work, account)
    return await _show(request, work, account, RegistryForm({}), 200)


@router.post("/{account_id:uuid}/confirm", response_class=HTMLResponse, dependencies=_CONFIRMS)
async def post_confirmation(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Confirm an account, or show the form again with every answer."""
    await must_not_be_party(work, await known_account(work.session, account_id))
    form = await RegistryForm.posted(request)
    wanted = _read(account_id, form)
    done: Account | int = 422
    if wanted:
        done = await attempt(work.session, confirm(work, wanted), form.errors, REFUSALS, "address")
    if isinstance(done, int):
        return await _show(request, work, await known_account(work.session, account_id), form, done)
    return RedirectResponse(f"/accounts/{account_id}", 303)


def _read(account_id: UUID, form: RegistryForm) -> NewConfirmation | None:
    """Return what was found as it was typed: the handler says what is missing."""
    address, known = form.line("address", longest=LONGEST_TEXT) or "", form.text("how_known") or ""
    lookalikes, version = form.text("lookalikes"), form.version(beside="address")
    if form.errors or version is None:
        return None
    return NewConfirmation(account_id, version, address, known, form.ticked("searched_for_lookalikes"), lookalikes)


async def _show(request: Request, work: Work, account: Account, form: RegistryForm, status: int) -> HTMLResponse:
    page = FormPage(
        title="Confirm the account",
        about=name_of(account),
        action=f"/accounts/{account.id}/confirm",
        button="Confirm the account",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        fields=_FIELDS,
    )
    similar = [account_view(one, work.now) for one in await lookalikes_of(work.session, account)]
    return render(
        request,
        "confirmations/confirm.html",
        status,
        page=page,
        form=form,
        errors=form.errors,
        similar=similar,
        expected=profile_url(account.registration.platform, account.registration.handle),
    )
