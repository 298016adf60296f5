"""The page of one account, and the form on it that changes a status."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.account_page.views import ReviewView, by_hand, doable
from services.registry.accounts.changing import change_status
from services.registry.accounts.domain import STATUS_LABELS
from services.registry.accounts.forms import read_status_change
from services.registry.accounts.handlers import known_account
from services.registry.accounts.refusals import ACCOUNT_REFUSALS
from services.registry.accounts.views import account_view, history_view
from services.registry.approvals.queries import requests_about
from services.registry.approvals.views import request_view
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import Answers, first_answers
from services.registry.context.refusals import attempt
from services.registry.context.work import Work
from services.registry.operators.queries import operators_of
from services.registry.operators.views import operator_view
from services.registry.reviews.forms import OUTCOMES
from services.registry.reviews.queries import reviews_of
from shared.audit import chain
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.vocabulary import AccountClass
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render

router = APIRouter(prefix="/accounts", include_in_schema=False)


@router.get("/{account_id:uuid}", response_class=HTMLResponse, dependencies=[requires(Permission.SEE_REGISTER)])
async def show_account(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show one account with its operators, reviews, requests and history."""
    return await _page(request, work, account_id, {}, FormErrors(), 200)


@router.post(
    "/{account_id:uuid}/status", response_class=HTMLResponse, dependencies=[requires(Permission.MANAGE_REGISTER)]
)
async def post_status(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Change an account's status, or show the page again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    wanted = read_status_change(account_id, answers, errors)
    done = await attempt(work, change_status(work, wanted), errors, ACCOUNT_REFUSALS, "status") if wanted else 422
    if isinstance(done, int):
        return await _page(request, work, account_id, answers, errors, done)
    return RedirectResponse(f"/accounts/{account_id}", 303)


async def _page(
    request: Request, work: Work, account_id: UUID, answers: Answers, errors: FormErrors, status: int
) -> HTMLResponse:
    account = await known_account(work.session, account_id)
    operators = await operators_of(work.session, account, work.periods, work.today)
    reviews = await reviews_of(work.session, account_id)
    history = await chain.read(work.session, account_id)
    return render(
        request,
        "account_page/account.html",
        status,
        account=account_view(account, work.now),
        operators=list(map(operator_view, operators)),
        reviews=[ReviewView(OUTCOMES[one.outcome], one.reason, one.reviewed_by, one.next_on) for one in reviews],
        requests=[request_view(one) for one in await requests_about(work.session, account_id)],
        union=account.registration.account_class is AccountClass.UNION,
        links=doable(work, account),
        following=[(status, STATUS_LABELS[status]) for status in by_hand(work, account)],
        history=[history_view(activity) for activity in reversed(history)],
        answers=first_answers(answers),
        errors=errors,
    )
