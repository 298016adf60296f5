"""Pages that ask for an account, declare one, begin its checks, and send a returned request again."""

from collections.abc import Awaitable
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.domain import Account
from services.registry.accounts.queries import known_account
from services.registry.accounts.views import name_of
from services.registry.approvals.asking import ask
from services.registry.approvals.declaring import begin_checks, declare
from services.registry.approvals.domain import About
from services.registry.approvals.domain import Request as AccountRequest
from services.registry.approvals.forms import CHECK_FIELDS, DRAFT_FIELDS, read_draft
from services.registry.approvals.handlers import resubmit
from services.registry.approvals.refusals import REFUSALS
from services.registry.approvals.seeing import seen_request
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import Answers, FormPage, given, show_form
from services.registry.context.work import Work
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.forms import FormErrors, read_form
from shared.web.refusals import attempt

router = APIRouter(prefix="/accounts", include_in_schema=False)
_ASKS = [requires(Permission.REQUEST_ACCOUNTS)]
_LIST = ("All requests", "/accounts/requests")

ASK = FormPage(
    title="Ask for an account",
    action="/accounts/requests/new",
    button="Send the request",
    back=_LIST,
    fields=DRAFT_FIELDS,
    intro=(
        "An account is created only after a relevant member of the directorate has approved it.",
        "A platform that is not in use yet goes to the Security Advice Centre first.",
    ),
)
DECLARE = FormPage(
    title="Declare an account that exists",
    action="/accounts/declare",
    button="Declare the account",
    back=_LIST,
    fields=DRAFT_FIELDS,
    intro=(
        "Use this for an account that you hold or sponsor and that was there before the register.",
        "It passes the same checks as a new one. Thank you for telling us.",
    ),
)


@router.get("/requests/new", response_class=HTMLResponse, dependencies=_ASKS)
async def ask_for_request(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the form; whoever asks is proposed as the owner."""
    return show_form(request, ASK, given(owner=work.person))


@router.post("/requests/new", response_class=HTMLResponse, dependencies=_ASKS)
async def post_request(request: Request, work: WorkDep) -> Response:
    """Ask for an account, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    draft = read_draft(answers, errors)
    return await _sent(request, work, ASK, (answers, errors), ask(work, draft) if draft else None)


@router.get("/declare", response_class=HTMLResponse)
async def ask_for_declaration(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the form for an account that exists, to anybody who is signed in."""
    return show_form(request, DECLARE, given(owner=work.person))


@router.post("/declare", response_class=HTMLResponse)
async def post_declaration(request: Request, work: WorkDep) -> Response:
    """Declare an account, or show the form again with every answer kept."""
    answers, errors = await read_form(request), FormErrors()
    draft = read_draft(answers, errors)
    return await _sent(request, work, DECLARE, (answers, errors), declare(work, draft) if draft else None)


@router.get("/{account_id:uuid}/checks", response_class=HTMLResponse, dependencies=_ASKS)
async def ask_for_checks(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show the form that begins the checks of a legacy account."""
    account = await known_account(work.session, account_id)
    kept = account.registration
    known = given(
        title=kept.title,
        owner=kept.owner or work.person,
        approved_person=kept.approved_person,
        vetting_required=kept.vetting_required,
    )
    return show_form(request, _checks_page(account), known)


@router.post("/{account_id:uuid}/checks", response_class=HTMLResponse, dependencies=_ASKS)
async def post_checks(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Begin the checks of a legacy account."""
    answers, errors = await read_form(request), FormErrors()
    account = await known_account(work.session, account_id)
    draft = read_draft(answers, errors, account)
    begin = begin_checks(work, account.id, draft) if draft else None
    return await _sent(request, work, _checks_page(account), (answers, errors), begin)


@router.get("/requests/{request_id:uuid}/change", response_class=HTMLResponse)
async def ask_for_change(request: Request, work: WorkDep, request_id: UUID) -> HTMLResponse:
    """Show a returned request, to be changed."""
    shown = await seen_request(work, request_id)
    draft = shown.draft
    known = given(
        platform=draft.platform,
        handle=draft.handle,
        account_class=draft.account_class,
        title=draft.title,
        requirement=draft.requirement,
        purpose=draft.purpose,
        owner=draft.owner,
        approved_person=draft.approved_person,
        vetting_required=draft.vetting_required,
    )
    return show_form(request, _change_page(shown), known)


@router.post("/requests/{request_id:uuid}/change", response_class=HTMLResponse)
async def post_change(request: Request, work: WorkDep, request_id: UUID) -> Response:
    """Send a returned request again."""
    answers, errors = await read_form(request), FormErrors()
    shown = await seen_request(work, request_id)
    draft = read_draft(answers, errors, shown if shown.about is About.LEGACY else None)
    version = next(iter(answers.get("version", [])), "")
    read = int(version[:9]) if version.isascii() and version.isdigit() else 0
    again = resubmit(work, request_id, read, draft) if draft else None
    return await _sent(request, work, _change_page(shown), (answers, errors), again)


async def _sent(
    request: Request,
    work: Work,
    page: FormPage,
    typed: tuple[Answers, FormErrors],
    step: Awaitable[AccountRequest] | None,
) -> Response:
    answers, errors = typed
    done: AccountRequest | int = 422
    if step is not None:
        done = await attempt(work.session, step, errors, REFUSALS, page.fields[0].name)
    if isinstance(done, int):
        return show_form(request, page, answers, errors, done)
    return RedirectResponse(f"/accounts/requests/{done.id}", 303)


def _checks_page(account: Account) -> FormPage:
    return FormPage(
        title="Begin its checks",
        about=name_of(account),
        action=f"/accounts/{account.id}/checks",
        button="Send the request",
        back=("Back to the account", f"/accounts/{account.id}"),
        fields=CHECK_FIELDS,
        intro=("An account from before passes the same checks as a new one: a requirement, an owner, an approval.",),
    )


def _change_page(shown: AccountRequest) -> FormPage:
    return FormPage(
        title="Change the request",
        about=shown.draft.handle,
        action=f"/accounts/requests/{shown.id}/change",
        button="Send it again",
        back=("Back to the request", f"/accounts/requests/{shown.id}"),
        fields=CHECK_FIELDS if shown.about is About.LEGACY else DRAFT_FIELDS,
        intro=(f"It was returned: {shown.reason}",) if shown.reason else (),
        version=shown.version,
    )
