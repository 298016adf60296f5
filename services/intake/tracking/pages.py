"""/report/track: find a report by its reference and code, or signed in; withdraw it."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.reports.access import (
    PATH,
    AccessDep,
    ByVisitor,
    ReportNotFound,
    TooManyAttempts,
    TrackingParts,
    client_of,
    give_status_token,
    remove_status_token,
)
from services.intake.reports.handlers import withdraw
from services.intake.reports.queries import reports_of
from services.intake.tracking.queries import status_of, statuses
from shared.auth.guard import Anyone
from shared.auth.permissions import Principal
from shared.runtime import parts_of
from shared.web.dependencies import Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render

router = APIRouter(prefix=PATH, include_in_schema=False)
report_router = APIRouter(prefix=f"{PATH}/{{reference}}", include_in_schema=False)
"""Pages of one report."""

_NOT_FOUND = "Check the reference and the code. We cannot find a report with both"
_TOO_MANY = "There were too many wrong codes. Wait a minute, then try again"


@router.get("")
async def track(request: Request, principal: Anyone, session: Transaction, now: Now) -> Response:
    """Ask which report; list the reports of a reporter who is signed in."""
    mine = await reports_of(session, principal.subject) if principal else ()
    return ask_which_report(request, reports=await statuses(session, mine, now))


@router.post("")
async def show_mine(request: Request, principal: Anyone, session: Transaction, access: AccessDep, now: Now) -> Response:
    """Go to the report if the code is right. The code travels in the body alone, never in an address."""
    errors = FormErrors()
    form = await read_form(request, errors)
    reference, code = (" ".join(form.get(name, ())).strip() for name in ("reference", "receipt_code"))
    _find_missing(reference, code, principal, errors)
    if errors:
        return ask_which_report(request, 422, typed=reference, errors=errors)
    try:
        if principal and not code:
            report = await access.as_reporter(session, reference, principal.subject)
        else:
            report = await access.with_receipt(session, reference, code, client_of(request))
    except ReportNotFound:
        return ask_which_report(request, 404, typed=reference, errors=FormErrors({"reference": _NOT_FOUND}))
    except TooManyAttempts as error:
        page = ask_which_report(request, 429, typed=reference, errors=FormErrors({"receipt_code": _TOO_MANY}))
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


def _find_missing(reference: str, code: str, principal: Principal | None, errors: FormErrors) -> None:
    if not reference:
        errors.add("reference", "Enter the reference of your report")
    if not code and principal is None:
        errors.add("receipt_code", "Enter the code that you were given, or sign in")


def ask_which_report(request: Request, status_code: int = 200, **context: object) -> Response:
    """Return the page that asks for a reference and its code."""
    return render(request, "track/ask.html", status_code, **context)


@report_router.get("/withdraw")
async def confirm_withdrawal(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Ask whether that is meant."""
    return render(request, "track/withdraw.html", status=await status_of(session, report, now))


@report_router.post("/withdraw")
async def withdraw_report(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Withdraw the report."""
    await withdraw(session, report.report_id, now, outbox)
    return RedirectResponse(f"{PATH}/{report.reference}", 303)
