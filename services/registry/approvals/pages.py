"""Pages of the creation gate: the list, one request with what can happen to it, and asking."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.views import history_view
from services.registry.approvals import handlers
from services.registry.approvals.domain import Request as AccountRequest
from services.registry.approvals.domain import RequestState, Step
from services.registry.approvals.forms import read_decision
from services.registry.approvals.handlers import Decision
from services.registry.approvals.queries import RequestFilter, list_requests
from services.registry.approvals.refusals import REFUSALS
from services.registry.approvals.seeing import seen_request, sees_all
from services.registry.approvals.views import STATE_LABELS, possible, request_view
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import Answers, first_answers
from services.registry.context.work import Work
from shared.audit import chain
from shared.auth.permissions import Permission
from shared.web.bodies import Text
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.refusals import attempt

router = APIRouter(prefix="/accounts/requests", include_in_schema=False)

_STEPS: Mapping[Step, Callable[[Work, Decision], Awaitable[AccountRequest]]] = {
    Step.CLEAR: handlers.clear_platform,
    Step.APPROVE: handlers.approve,
    Step.RETURN: handlers.send_back,
    Step.REFUSE: handlers.refuse,
    Step.WITHDRAW: handlers.withdraw,
}


@router.get("", response_class=HTMLResponse)
async def show_requests(
    request: Request, work: WorkDep, state: Annotated[Text | None, Query()] = None, cursor: UUID | None = None
) -> HTMLResponse:
    """List the requests that whoever is signed in may see."""
    everybody = await sees_all(work)
    states = (RequestState(state),) if state in set(RequestState) else ()
    wanted = RequestFilter(states, None if everybody else work.person)
    page = await list_requests(work.session, wanted, cursor=cursor)
    chosen = f"state={states[0]}&" if states else ""
    return render(
        request,
        "approvals/requests.html",
        requests=[request_view(one) for one in page.items],
        everybody=everybody,
        states=STATE_LABELS,
        chosen=states[0] if states else None,
        next=f"/accounts/requests?{chosen}cursor={page.next_cursor}" if page.next_cursor else None,
        asks=work.may(Permission.REQUEST_ACCOUNTS),
        approves=work.may(Permission.APPROVE_ACCOUNTS),
    )


@router.get("/{request_id:uuid}", response_class=HTMLResponse)
async def show_request(request: Request, work: WorkDep, request_id: UUID) -> HTMLResponse:
    """Show one request with its timeline."""
    return await _page(request, work, request_id, {}, FormErrors(), 200)


@router.post("/{request_id:uuid}/decision", response_class=HTMLResponse)
async def post_decision(request: Request, work: WorkDep, request_id: UUID) -> Response:
    """Do what somebody decided, or show the page again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    shown = await seen_request(work, request_id)
    decided = read_decision(shown, answers, errors)
    status: AccountRequest | int = 422
    if decided and decided[0] in _STEPS:
        step, decision = decided
        status = await attempt(work.session, _STEPS[step](work, decision), errors, REFUSALS, "step")
    elif decided:
        errors.add("step", "Choose what should happen to the request")
    if isinstance(status, int):
        return await _page(request, work, request_id, answers, errors, status)
    return RedirectResponse(f"/accounts/requests/{request_id}", 303)


async def _page(
    request: Request, work: Work, request_id: UUID, answers: Answers, errors: FormErrors, status: int
) -> HTMLResponse:
    shown = await seen_request(work, request_id)
    history = await chain.read(work.session, shown.account_id)
    return render(
        request,
        "approvals/request.html",
        status,
        asked=request_view(shown),
        can=await possible(work, shown),
        sees_account=shown.state is RequestState.APPROVED and work.may(Permission.SEE_REGISTER),
        history=[history_view(activity) for activity in reversed(history)],
        answers=first_answers(answers),
        errors=errors,
    )
