"""The page that records a recovery."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.domain import Account
from services.registry.accounts.handlers import known_account
from services.registry.accounts.refusals import ACCOUNT_REFUSALS
from services.registry.accounts.views import name_of
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import Cells, Field, FormPage, Kind, show_form
from services.registry.context.refusals import attempt
from services.registry.freezing.handlers import recover
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.forms import FormErrors, read_form

router = APIRouter(prefix="/accounts", include_in_schema=False, dependencies=[requires(Permission.RECORD_GATES)])


@router.get("/{account_id:uuid}/recover", response_class=HTMLResponse)
async def ask(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form."""
    return show_form(request, _page(await known_account(work.session, account_id)))


@router.post("/{account_id:uuid}/recover", response_class=HTMLResponse)
async def post_recovery(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Record a recovery, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    cells = Cells(answers, errors)
    done, version = cells.words("what_was_done", "Enter what was done"), cells.version("what_was_done")
    status: object = 422
    if done and not errors:
        step = recover(work, account_id, version, done)
        status = await attempt(work, step, errors, ACCOUNT_REFUSALS, "what_was_done")
    if errors:
        page = _page(await known_account(work.session, account_id))
        return show_form(request, page, answers, errors, status if isinstance(status, int) else 422)
    return RedirectResponse(f"/accounts/{account_id}", 303)


def _page(account: Account) -> FormPage:
    return FormPage(
        title="Record the recovery",
        about=name_of(account),
        action=f"/accounts/{account.id}/recover",
        button="Record the recovery",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        intro=("The account opens again. Its operators are authorised again where they pass every gate.",),
        fields=(
            Field(
                "what_was_done",
                "What was done to get the account back?",
                Kind.WORDS,
                "For example: password and recovery address changed, sessions ended, two-step sign-in checked",
            ),
        ),
    )
