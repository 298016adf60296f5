"""The page that records a review."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.handlers import known_account
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import show_form
from services.registry.context.refusals import attempt
from services.registry.reviews.forms import read_review, review_page
from services.registry.reviews.handlers import review
from services.registry.reviews.problems import REFUSALS
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.forms import FormErrors, read_form

router = APIRouter(prefix="/accounts", include_in_schema=False, dependencies=[requires(Permission.RECORD_GATES)])


@router.get("/{account_id:uuid}/review", response_class=HTMLResponse)
async def ask(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form."""
    return show_form(request, review_page(await known_account(work.session, account_id)))


@router.post("/{account_id:uuid}/review", response_class=HTMLResponse)
async def post_review(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Record a review, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    account = await known_account(work.session, account_id)
    wanted = read_review(account, answers, errors)
    status: object = 422
    if wanted:
        status = await attempt(work, review(work, wanted), errors, REFUSALS, "outcome")
    if errors:
        page = review_page(await known_account(work.session, account_id))
        return show_form(request, page, answers, errors, status if isinstance(status, int) else 422)
    return RedirectResponse(f"/accounts/{account_id}", 303)
