"""Pages of the creation gate: the requests, the forms that make and change one, and an approver's proxies."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.domain import Account
from services.registry.accounts.queries import known_account
from services.registry.accounts.views import history_view, name_of, people_in
from services.registry.approvals import forms, handlers, views
from services.registry.approvals.delegations import delegate, end_delegation
from services.registry.approvals.domain import About, AccountRequest, Draft, RequestAction, RequestState
from services.registry.approvals.queries import RequestFilter, delegations_of, list_requests
from services.registry.approvals.refusals import REFUSALS
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import RegistryForm
from services.registry.context.work import Work
from shared.audit import chain
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.platforms import platform_label
from shared.people import anyone_known, names_of
from shared.web.bodies import Line
from shared.web.forms import CheckStep, FormPage
from shared.web.pages import CheckPage, render, show_check, show_form
from shared.web.refusals import attempt

router = APIRouter(prefix="/accounts", include_in_schema=False)
_ASKS = [requires(Permission.REQUEST_ACCOUNTS)]
_APPROVES = [requires(Permission.APPROVE_ACCOUNTS)]
_LIST = ("All requests", "/accounts/requests")
ASK = FormPage(
    title="Ask for an account",
    action="/accounts/requests/new",
    button="Send the request",
    back=_LIST,
    fields=forms.DRAFT_FIELDS,
    intro=(
        "An account is created only after a relevant member of the directorate has approved it.",
        "A platform that is not in use yet goes to the Security Advice Centre first.",
    ),
)
DECLARE = FormPage(
    title="Declare an existing account",
    action="/accounts/declare",
    button="Declare the account",
    back=_LIST,
    fields=forms.DRAFT_FIELDS,
    intro=(
        "Use this for an account that you hold or sponsor, and that existed before the register.",
        "It passes the same checks as a new one. Thank you for telling us.",
    ),
)
PROXY = FormPage(
    title="Name a proxy",
    action="/accounts/proxies/new",
    button="Name the proxy",
    back=("Your proxies", "/accounts/proxies"),
    fields=forms.DELEGATION_FIELDS,
    intro=("Your proxy approves in your place on these days. You have one proxy at a time.",),
)
_STEPS: Mapping[RequestAction, Callable[[Work, handlers.RequestDecision], Awaitable[AccountRequest]]] = {
    RequestAction.CLEAR: handlers.clear_platform,
    RequestAction.APPROVE: handlers.approve,
    RequestAction.RETURN: handlers.send_back,
    RequestAction.REFUSE: handlers.refuse,
    RequestAction.WITHDRAW: handlers.withdraw,
}


@router.get("/requests", response_class=HTMLResponse)
async def show_requests(
    request: Request, work: WorkDep, state: Annotated[Line | None, Query()] = None, cursor: UUID | None = None
) -> HTMLResponse:
    """List the requests that the signed-in person may see."""
    sees_all = await handlers.sees_all_requests(work)
    states = (RequestState(state),) if state in set(RequestState) else ()
    wanted = RequestFilter(states, None if sees_all else work.person)
    page = await list_requests(work.session, wanted, cursor=cursor)
    chosen = f"state={states[0]}&" if states else ""
    return render(
        request,
        "approvals/requests.html",
        requests=[views.request_view(one) for one in page.items],
        sees_all=sees_all,
        states=views.STATE_LABELS,
        chosen=states[0] if states else None,
        next=f"/accounts/requests?{chosen}cursor={page.next_cursor}" if page.next_cursor else None,
        asks=work.may(Permission.REQUEST_ACCOUNTS),
        approves=work.may(Permission.APPROVE_ACCOUNTS),
    )


@router.get("/requests/{request_id:uuid}", response_class=HTMLResponse)
async def show_request(request: Request, work: WorkDep, request_id: UUID) -> HTMLResponse:
    """Show one request with its timeline."""
    return await _request_page(request, work, request_id, RegistryForm({}), 200)


@router.post("/requests/{request_id:uuid}/decision", response_class=HTMLResponse)
async def post_decision(request: Request, work: WorkDep, request_id: UUID) -> Response:
    """Carry out a decision, or show the page again with every answer."""
    form = await RegistryForm.posted(request)
    shown = await handlers.visible_request(work, request_id)
    decided = forms.read_decision(shown, form)
    status: AccountRequest | int = 422
    if decided and decided[0] in _STEPS:
        step, decision = decided
        if form.check_step is CheckStep.CHANGE:
            return await _request_page(request, work, request_id, form, 200)
        first = form.check_step is CheckStep.GIVEN
        carried_out = _STEPS[step](work, decision)
        status = await attempt(work.session, carried_out, form.errors, REFUSALS, "step", rehearsal=first)
        if first and not isinstance(status, int):
            return show_check(request, await _decision_to_check(work, shown, step, decision), form)
    elif decided:
        form.errors.add("step", "Choose what should happen to the request")
    if isinstance(status, int):
        return await _request_page(request, work, request_id, form, status)
    return RedirectResponse(f"/accounts/requests/{request_id}", 303)


async def _decision_to_check(
    work: Work, shown: AccountRequest, step: RequestAction, decision: handlers.RequestDecision
) -> CheckPage:
    names = await names_of(work.session, [decision.on_behalf_of])
    rows = [("What should happen", views.STEP_LABELS[step]), ("Why", decision.words)]
    if decision.on_behalf_of:
        rows.append(("As the proxy of", names(decision.on_behalf_of)))
    return CheckPage(
        title="Check your decision",
        about=f"{shown.draft.handle} on {platform_label(shown.draft.platform)}",
        rows=rows,
        says=(views.STEP_EFFECTS[step],),
        button=views.STEP_BUTTONS[step],
        action=f"/accounts/requests/{shown.id}/decision",
    )


async def _request_page(
    request: Request, work: Work, request_id: UUID, form: RegistryForm, status: int
) -> HTMLResponse:
    shown = await handlers.visible_request(work, request_id)
    can = await views.possible_actions(work, shown)
    history = await chain.read(work.session, shown.account_id)
    names = await names_of(work.session, [*views.people_of(shown), *can.behalf, *people_in(history)])
    return render(
        request,
        "approvals/request.html",
        status,
        asked=views.request_view(shown, names),
        can=can,
        fields=forms.decision_fields(can.steps, can.behalf, names, in_own_right=can.in_own_right) if can.steps else (),
        sees_account=shown.state is RequestState.APPROVED and work.may(Permission.SEE_REGISTER),
        history=[history_view(activity, names) for activity in reversed(history)],
        form=form,
        errors=form.errors,
    )


@router.get("/requests/new", response_class=HTMLResponse, dependencies=_ASKS)
async def ask_for_request(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the form, with the person who asks as the proposed owner."""
    return _form(request, ASK, RegistryForm.of(owner=work.person))


@router.post("/requests/new", response_class=HTMLResponse, dependencies=_ASKS)
async def post_request(request: Request, work: WorkDep) -> Response:
    """Ask for an account, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    draft = forms.read_draft(form)
    return await _sent(request, work, ASK, form, draft, partial(handlers.request_account, work))


@router.get("/declare", response_class=HTMLResponse)
async def ask_for_declaration(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the form for an existing account, to every signed-in person."""
    return _form(request, DECLARE, RegistryForm.of(owner=work.person))


@router.post("/declare", response_class=HTMLResponse)
async def post_declaration(request: Request, work: WorkDep) -> Response:
    """Declare an account, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    draft = forms.read_draft(form)
    return await _sent(request, work, DECLARE, form, draft, partial(handlers.declare, work))


@router.get("/{account_id:uuid}/checks", response_class=HTMLResponse, dependencies=_ASKS)
async def ask_for_checks(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form that begins the checks of a legacy account."""
    account = await known_account(work.session, account_id)
    kept = account.registration
    known = RegistryForm.of(
        title=kept.title,
        owner=kept.owner or work.person,
        approved_person=kept.approved_person,
        vetting_required=kept.vetting_required,
    )
    return _form(request, _checks_page(account), known)


@router.post("/{account_id:uuid}/checks", response_class=HTMLResponse, dependencies=_ASKS)
async def post_checks(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Begin the checks of a legacy account."""
    form = await RegistryForm.posted(request)
    account = await known_account(work.session, account_id)
    draft = forms.read_draft(form, account)
    begin = partial(handlers.begin_checks, work, account.id)
    return await _sent(request, work, _checks_page(account), form, draft, begin)


@router.get("/requests/{request_id:uuid}/change", response_class=HTMLResponse)
async def ask_for_change(request: Request, work: WorkDep, request_id: UUID) -> HTMLResponse:
    """Show a returned request in a form."""
    shown = await handlers.visible_request(work, request_id)
    return _form(request, _change_page(shown), RegistryForm.of(**asdict(shown.draft)))


@router.post("/requests/{request_id:uuid}/change", response_class=HTMLResponse)
async def post_change(request: Request, work: WorkDep, request_id: UUID) -> Response:
    """Send a returned request again."""
    form = await RegistryForm.posted(request)
    shown = await handlers.visible_request(work, request_id)
    draft = forms.read_draft(form, shown if shown.about is About.LEGACY else None)
    again = partial(handlers.resubmit, work, request_id, form.version() or 0)
    return await _sent(request, work, _change_page(shown), form, draft, again)


def _form(request: Request, page: FormPage, form: RegistryForm, status: int = 200) -> HTMLResponse:
    """Show a form whose answers are shown once more before they are sent: only there is its button."""
    return show_form(request, replace(page, button="Continue"), form, status)


async def _sent(
    request: Request,
    work: Work,
    page: FormPage,
    form: RegistryForm,
    draft: Draft | None,
    step: Callable[[Draft], Awaitable[AccountRequest]],
) -> Response:
    """Show the answers once more, let them be changed, or carry out `step` with them."""
    done: AccountRequest | int = 422
    first = form.check_step is CheckStep.GIVEN
    if draft and form.check_step is not CheckStep.CHANGE:
        done = await attempt(work.session, step(draft), form.errors, REFUSALS, page.fields[0].name, rehearsal=first)
    if isinstance(done, int):
        return _form(request, page, form, done)
    if draft and first:
        names = await names_of(work.session, (draft.owner, draft.approved_person))
        rows = views.answers_to_check(draft, names, listed=await anyone_known(work.session))
        return show_check(request, CheckPage("Check your answers", rows, page.button, page.action, page.title), form)
    return RedirectResponse(f"/accounts/requests/{done.id}", 303)


def _checks_page(account: Account) -> FormPage:
    return FormPage(
        title="Begin its checks",
        about=name_of(account),
        action=f"/accounts/{account.id}/checks",
        button="Send the request",
        back=("Back to the account", f"/accounts/{account.id}"),
        fields=forms.CHECK_FIELDS,
        intro=("A legacy account passes the same checks as a new one: a requirement, an owner and an approval.",),
    )


def _change_page(shown: AccountRequest) -> FormPage:
    return FormPage(
        title="Change the request",
        about=shown.draft.handle,
        action=f"/accounts/requests/{shown.id}/change",
        button="Send it again",
        back=("Back to the request", f"/accounts/requests/{shown.id}"),
        fields=forms.CHECK_FIELDS if shown.about is About.LEGACY else forms.DRAFT_FIELDS,
        intro=(f"It was returned: {shown.reason}",) if shown.reason else (),
        version=shown.version,
    )


@router.get("/proxies", response_class=HTMLResponse)
async def show_proxies(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the delegations that the signed-in person gave or received."""
    found = await delegations_of(work.session, work.person, work.today)
    names = await names_of(work.session, (staff_id for one in found for staff_id in (one.proxy, one.approver)))
    approves = work.may(Permission.APPROVE_ACCOUNTS)
    return render(request, "approvals/proxies.html", delegations=found, names=names, me=work.person, approves=approves)


@router.get("/proxies/new", response_class=HTMLResponse, dependencies=_APPROVES)
async def ask_for_proxy(request: Request, work: WorkDep) -> HTMLResponse:  # noqa: ARG001 -- requires a person
    """Show the form."""
    return show_form(request, PROXY)


@router.post("/proxies/new", response_class=HTMLResponse, dependencies=_APPROVES)
async def post_proxy(request: Request, work: WorkDep) -> Response:
    """Name a proxy, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    wanted = forms.read_delegation(form)
    status: object = 422
    if wanted:
        status = await attempt(work.session, delegate(work, wanted), form.errors, REFUSALS, "proxy")
    if form.errors:
        return show_form(request, PROXY, form, status if isinstance(status, int) else 422)
    return RedirectResponse("/accounts/proxies", 303)


@router.post("/proxies/{delegation_id:uuid}/end", dependencies=_APPROVES)
async def post_end(work: WorkDep, delegation_id: UUID) -> Response:
    """End a delegation that the signed-in person gave."""
    await end_delegation(work, delegation_id)
    return RedirectResponse("/accounts/proxies", 303)
