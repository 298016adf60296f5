"""The page on which approvers name their proxy."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.approvals.delegating import delegate, end_delegation
from services.registry.approvals.forms import DELEGATION_FIELDS, read_delegation
from services.registry.approvals.queries import delegations_of
from services.registry.approvals.refusals import REFUSALS
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import FormPage, show_form
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.refusals import attempt

router = APIRouter(prefix="/accounts/proxies", include_in_schema=False)
_APPROVES = [requires(Permission.APPROVE_ACCOUNTS)]
_PAGE = FormPage(
    title="Name a proxy",
    action="/accounts/proxies/new",
    button="Name the proxy",
    back=("Your proxies", "/accounts/proxies"),
    fields=DELEGATION_FIELDS,
    intro=("Your proxy approves in your place on these days. You have one proxy at a time.",),
)


@router.get("", response_class=HTMLResponse)
async def show_proxies(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the delegations that one gave or received."""
    found = await delegations_of(work.session, work.person, work.today)
    approves = work.may(Permission.APPROVE_ACCOUNTS)
    return render(request, "approvals/proxies.html", delegations=found, me=work.person, approves=approves)


@router.get("/new", response_class=HTMLResponse, dependencies=_APPROVES)
async def ask_for_proxy(request: Request, work: WorkDep) -> HTMLResponse:  # noqa: ARG001 -- it says who is signed in
    """Show the form."""
    return show_form(request, _PAGE)


@router.post("/new", response_class=HTMLResponse, dependencies=_APPROVES)
async def post_proxy(request: Request, work: WorkDep) -> Response:
    """Name a proxy, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    wanted = read_delegation(answers, errors)
    status: object = 422
    if wanted:
        status = await attempt(work.session, delegate(work, wanted), errors, REFUSALS, "proxy")
    if errors:
        return show_form(request, _PAGE, answers, errors, status if isinstance(status, int) else 422)
    return RedirectResponse("/accounts/proxies", 303)


@router.post("/{delegation_id:uuid}/end", dependencies=_APPROVES)
async def post_end(work: WorkDep, delegation_id: UUID) -> Response:
    """End a delegation that one gave."""
    await end_delegation(work, delegation_id)
    return RedirectResponse("/accounts/proxies", 303)
