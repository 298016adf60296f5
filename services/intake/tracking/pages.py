"""/report/track: follow a report by its reference and code, or signed in; add to it, agree, ask again, withdraw."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.reports.access import (
    PATH,
    AccessDep,
    ByVisitor,
    ReferencePath,
    ReportNotFound,
    TooManyAttempts,
    TrackingParts,
    client_of,
    followed,
    give_status_token,
    remove_status_token,
)
from services.intake.reports.domain import ReportRefused
from services.intake.reports.handlers import add_text, agree_that_manager_is_told, ask_again, withdraw
from services.intake.reports.queries import ReportKey, reports_of
from services.intake.tracking.domain import Status
from services.intake.tracking.queries import status_of, statuses
from shared.auth.guard import Anyone
from shared.auth.permissions import Principal
from shared.runtime import parts_of
from shared.web.dependencies import Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, FormReader, read_form
from shared.web.pages import render

router = APIRouter(prefix=PATH, include_in_schema=False)
report_router = APIRouter(prefix=f"{PATH}/{{reference}}", include_in_schema=False)
"""What a reporter may do with one report."""

_NOT_FOUND = "Check the reference and the code. We cannot find a report with both"
_TOO_MANY = "There were too many wrong codes. Wait a minute, then try again"


@router.get("")
async def track(request: Request, principal: Anyone, session: Transaction, now: Now) -> Response:
    """Ask which report; list the reports of a reporter who is signed in."""
    mine = await reports_of(session, principal.subject) if principal else ()
    return _ask(request, reports=await statuses(session, mine, now))


@router.post("")
async def show_mine(request: Request, principal: Anyone, session: Transaction, access: AccessDep, now: Now) -> Response:
    """Go to the report if the code is right. The code travels in the body alone, never in an address."""
    errors = FormErrors()
    form = await read_form(request, errors)
    reference, code = (" ".join(form.get(name, ())).strip() for name in ("reference", "receipt_code"))
    _find_missing(reference, code, principal, errors)
    if errors:
        return _ask(request, 422, typed=reference, errors=errors)
    try:
        if principal and not code:
            report = await access.as_reporter(session, reference, principal.subject)
        else:
            report = await access.with_receipt(session, reference, code, client_of(request))
    except ReportNotFound:
        return _ask(request, 404, typed=reference, errors=FormErrors({"reference": _NOT_FOUND}))
    except TooManyAttempts as error:
        page = _ask(request, 429, typed=reference, errors=FormErrors({"receipt_code": _TOO_MANY}))
        page.headers["retry-after"] = str(error.wait)
        return page
    response = RedirectResponse(f"{PATH}/{report.reference}", 303)
    give_status_token(request, response, report.reference, now)
    return response


@router.post("/leave")
async def leave(request: Request, _principal: Anyone) -> Response:
    """Forget on this device which report was shown."""
    response = RedirectResponse("/", 303)
    remove_status_token(response, secure=parts_of(request, TrackingParts).settings.secure)
    return response


@router.get("/{reference}")
async def show(
    request: Request,
    reference: ReferencePath,
    principal: Anyone,
    session: Transaction,
    access: AccessDep,
    now: Now,
) -> Response:
    """Show where a report is to its reporter, or to a browser where its code was given; ask all others for the code."""
    try:
        report = await followed(request, reference, principal, session, access, now)
    except ReportNotFound:
        return _ask(request, 404, typed=reference)
    return render(request, "track/status.html", status=await status_of(session, report, now))


def _find_missing(reference: str, code: str, principal: Principal | None, errors: FormErrors) -> None:
    if not reference:
        errors.add("reference", "Enter the reference of your report")
    if not code and principal is None:
        errors.add("receipt_code", "Enter the code that you were given, or sign in")


def _ask(request: Request, status_code: int = 200, **context: object) -> Response:
    return render(request, "track/ask.html", status_code, **context)


@report_router.get("/add")
async def ask_what(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Ask what is to be added."""
    return _what(request, await status_of(session, report, now), "", FormErrors())


@report_router.post("/add")
async def add(request: Request, report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Add it, or show it again with the errors."""
    form, status = await FormReader.posted(request), await status_of(session, report, now)
    text = form.first("text").strip()
    if form.errors:
        return _what(request, status, text, form.errors)
    try:
        await add_text(session, report.report_id, text, now, outbox, answers_question=status.asked)
    except ReportRefused as refused:
        wrong = FormErrors({refusal.field: refusal.message for refusal in refused.refusals})
        return _what(request, status, text, wrong)
    return _back(report)


@report_router.post("/agree")
async def agree(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Let the manager be told."""
    await agree_that_manager_is_told(session, report.report_id, now, outbox)
    return _back(report)


@report_router.post("/ask-again")
async def ask(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Ask the team how far it is."""
    await ask_again(session, report.report_id, now, outbox)
    return _back(report)


@report_router.get("/withdraw")
async def confirm_withdrawal(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Ask whether that is meant."""
    return render(request, "track/withdraw.html", status=await status_of(session, report, now))


@report_router.post("/withdraw")
async def withdraw_report(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Withdraw the report."""
    await withdraw(session, report.report_id, now, outbox)
    return _back(report)


def _back(report: ReportKey) -> Response:
    return RedirectResponse(f"{PATH}/{report.reference}", 303)


def _what(request: Request, status: Status, typed: str, errors: FormErrors) -> Response:
    return render(request, "track/add.html", 422 if errors else 200, status=status, typed=typed, errors=errors)
