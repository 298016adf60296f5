"""/report/track: follow a report, by its reference and code, or signed in."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.reports.queries import reports_of
from services.intake.tracking.access import ReportNotFound, TooManyAttempts
from services.intake.tracking.dependencies import AccessDep, ReferencePath, client_of, followed
from services.intake.tracking.passes import PATH, give_pass, take_pass_away
from services.intake.tracking.queries import status_of, statuses
from services.intake.tracking.telling import team_name
from shared.auth.guard import Anyone
from shared.auth.principal import Principal
from shared.web.dependencies import Now, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render

router = APIRouter(prefix=PATH, include_in_schema=False)

_NOT_FOUND = "Check the reference and the code. We cannot find a report with both"
_TOO_MANY = "There were too many wrong codes. Wait a minute, then try again"


@router.get("")
async def track(request: Request, principal: Anyone, session: Transaction, now: Now) -> Response:
    """Ask which report; list the reports of somebody who is signed in."""
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
    give_pass(request, response, report.reference, now)
    return response


@router.post("/leave")
async def leave(_principal: Anyone) -> Response:
    """Forget on this device which report was looked at."""
    response = RedirectResponse("/", 303)
    take_pass_away(response)
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
    """Show where a report is to its reporter, or to who gave its code; ask everybody else for the code."""
    try:
        report = await followed(request, reference, principal, session, access, now)
    except ReportNotFound:
        return _ask(request, 404, typed=reference)
    return render(request, "track/status.html", status=await status_of(session, report, now), team_name=team_name)


def _find_missing(reference: str, code: str, principal: Principal | None, errors: FormErrors) -> None:
    if not reference:
        errors.add("reference", "Enter the reference of your report")
    if not code and principal is None:
        errors.add("receipt_code", "Enter the code that you were given, or sign in")


def _ask(request: Request, status_code: int = 200, **context: object) -> Response:
    return render(request, "track/ask.html", status_code, **context)
