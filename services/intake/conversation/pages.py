"""/report/track/SP-…: where a report is, and everything that its reporter and the team say to one another."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.conversation.domain import conversation
from services.intake.conversation.handlers import ask_again, send_message
from services.intake.reports.access import PATH, AccessDep, ByVisitor, ReferencePath, ReportNotFound, followed
from services.intake.reports.domain import MOST_ADDITIONS, ReportRefused, TooManyAdditions
from services.intake.reports.handlers import agree_that_manager_is_told
from services.intake.reports.queries import ReportKey
from services.intake.tracking.pages import ask_which_report
from services.intake.tracking.queries import status_of
from shared.auth.guard import Anyone
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render

router = APIRouter(prefix=f"{PATH}/{{reference}}", include_in_schema=False)
_NO_ERRORS = FormErrors()
_ENOUGH = f"You have written {MOST_ADDITIONS} times about this report. The team has it all, and will write to you here"


@router.get("")
async def show(
    request: Request,
    reference: ReferencePath,
    principal: Anyone,
    session: Transaction,
    access: AccessDep,
    now: Now,
) -> Response:
    """Show a report to its reporter, or to a browser where its code was given; ask all others for the code."""
    try:
        report = await followed(request, reference, principal, session, access, now)
    except ReportNotFound:
        return ask_which_report(request, 404, typed=reference)
    return await _page(request, report, session, now)


@router.get("/add")
async def show_again(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Show the report: a message that was not sent stands at this address, which someone may open again."""
    return await _page(request, report, session, now)


@router.post("/add")
async def add(
    request: Request, report: ByVisitor, session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep
) -> Response:
    """Send a message, or show it again with the errors."""
    form = await FormReader.posted(request)
    text, errors = form.first("text").strip(), form.errors
    if not errors:
        try:
            await send_message(session, report, text, now, ids, outbox)
        except ReportRefused as refused:
            errors = FormErrors({refusal.field: refusal.message for refusal in refused.refusals})
        except TooManyAdditions:
            errors = FormErrors({"text": _ENOUGH})
    return await _page(request, report, session, now, text, errors) if errors else _back(report)


@router.post("/agree")
async def agree(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Let the manager be told."""
    await agree_that_manager_is_told(session, report.report_id, now, outbox)
    return _back(report)


@router.post("/ask-again")
async def ask(report: ByVisitor, session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep) -> Response:
    """Ask the team how far it is."""
    await ask_again(session, report, now, ids, outbox)
    return _back(report)


def _back(report: ReportKey) -> Response:
    return RedirectResponse(f"{PATH}/{report.reference}", 303)


async def _page(
    request: Request,
    report: ReportKey,
    session: Transaction,
    now: Now,
    typed: str = "",
    errors: FormErrors = _NO_ERRORS,
) -> Response:
    status = await status_of(session, report, now)
    return render(
        request,
        "conversation/page.html",
        422 if errors else 200,
        status=status,
        entries=conversation(status),
        typed=typed,
        errors=errors,
    )
