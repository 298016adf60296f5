"""Pages of operators: their gates as a checklist, and the actions on them."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.domain import Account
from services.registry.accounts.queries import known_account
from services.registry.accounts.views import name_of
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import RegistryForm
from services.registry.context.work import Work
from services.registry.operators import forms
from services.registry.operators.domain import needs_device
from services.registry.operators.handlers import UnknownOperator, name_operator
from services.registry.operators.queries import OperatorWithGates, get_operator, operators_of
from services.registry.operators.refusals import REFUSALS
from services.registry.operators.views import operator_view
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.people import names_of
from shared.web.pages import render, show_form
from shared.web.refusals import attempt

router = APIRouter(prefix="/accounts", include_in_schema=False)
_SEES = [requires(Permission.SEE_REGISTER)]
_RECORDS = [requires(Permission.RECORD_GATES)]
_GRANTS = [requires(Permission.GRANT_EXCEPTIONS)]


@router.get("/{account_id:uuid}/operators/new", response_class=HTMLResponse, dependencies=_RECORDS)
async def ask_for_operator(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form that names an operator."""
    return show_form(request, forms.new_operator_page(await known_account(work.session, account_id)))


@router.post("/{account_id:uuid}/operators/new", response_class=HTMLResponse, dependencies=_RECORDS)
async def post_operator(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Name an operator, or show the form again with every answer."""
    form = await RegistryForm.posted(request)
    account = await known_account(work.session, account_id)
    wanted = forms.read_new_operator(account, form)
    done = (
        await attempt(work.session, name_operator(work, wanted), form.errors, REFUSALS, "staff_id") if wanted else 422
    )
    if isinstance(done, int):
        return show_form(request, forms.new_operator_page(account), form, done)
    return RedirectResponse(f"/accounts/operators/{done.id}", 303)


@router.get("/operators/{operator_id:uuid}", response_class=HTMLResponse, dependencies=_SEES)
async def show_operator(request: Request, work: WorkDep, operator_id: UUID) -> HTMLResponse:
    """Show one operator with their gates."""
    account, checked = await _operator(work, operator_id)
    return render(
        request,
        "operators/operator.html",
        account=name_of(account),
        account_id=account.id,
        operator=operator_view(checked),
        names=await names_of(work.session, [checked.operator.staff_id]),
        records=work.may(Permission.RECORD_GATES) and work.answers_for(account.registration.owner),
        grants=work.may(Permission.GRANT_EXCEPTIONS),
        has_device_rule=needs_device(account.registration),
    )


@router.get("/operators/{operator_id:uuid}/{action}", response_class=HTMLResponse, dependencies=_SEES)
async def ask_for_action(
    request: Request, work: WorkDep, operator_id: UUID, action: forms.Recorded | forms.Granted
) -> HTMLResponse:
    """Show the form of an action."""
    account, checked = await _operator(work, operator_id)
    names = await names_of(work.session, [checked.operator.staff_id])
    return show_form(request, forms.action_page(action, account, checked, names))


@router.post("/operators/{operator_id:uuid}/recorded/{action}", response_class=HTMLResponse, dependencies=_RECORDS)
async def post_recorded(request: Request, work: WorkDep, operator_id: UUID, action: forms.Recorded) -> Response:
    """Carry out an action of a person who records gates."""
    return await _act(request, work, operator_id, action)


@router.post("/operators/{operator_id:uuid}/granted/{action}", response_class=HTMLResponse, dependencies=_GRANTS)
async def post_granted(request: Request, work: WorkDep, operator_id: UUID, action: forms.Granted) -> Response:
    """Carry out an action of a person who grants exceptions."""
    return await _act(request, work, operator_id, action)


async def _act(request: Request, work: Work, operator_id: UUID, action: forms.Recorded | forms.Granted) -> Response:
    form = await RegistryForm.posted(request)
    account, checked = await _operator(work, operator_id)
    names = await names_of(work.session, [checked.operator.staff_id])
    page = forms.action_page(action, account, checked, names)
    step = forms.ACTIONS[action].read(work, checked, form)
    status: object = 422
    if step is not None:
        status = await attempt(work.session, step, form.errors, REFUSALS, page.fields[0].name)
    if form.errors:
        return show_form(request, page, form, status if isinstance(status, int) else 422)
    return RedirectResponse(f"/accounts/operators/{operator_id}", 303)


async def _operator(work: Work, operator_id: UUID) -> tuple[Account, OperatorWithGates]:
    operator = await get_operator(work.session, operator_id)
    if operator is None:
        raise UnknownOperator
    account = await known_account(work.session, operator.account_id)
    checked = await operators_of(work.session, account, work.periods, work.today)
    return account, next(one for one in checked if one.operator.id == operator_id)
