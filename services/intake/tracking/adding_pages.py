"""/report/track/{reference}/…: add to a report, answer, agree, ask again, withdraw."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.reports.domain import ReportRefused
from services.intake.reports.handlers import add_text, agree_that_manager_is_told, ask_again, withdraw
from services.intake.reports.queries import ReportKey
from services.intake.tracking.dependencies import ByVisitor
from services.intake.tracking.domain import Status
from services.intake.tracking.passes import PATH
from services.intake.tracking.queries import status_of
from shared.web.dependencies import Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, read_form, refuse_null_characters
from shared.web.pages import render

router = APIRouter(prefix=f"{PATH}/{{reference}}", include_in_schema=False)


@router.get("/add")
async def ask_what(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Ask what is to be added."""
    return _what(request, await status_of(session, report, now), "", FormErrors())


@router.post("/add")
async def add(request: Request, report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Add it, or show it again with what is wrong."""
    errors = FormErrors()
    typed = refuse_null_characters(await read_form(request, errors), errors)
    text, status = "\n".join(typed.get("text", ())).strip(), await status_of(session, report, now)
    if errors:
        return _what(request, status, text, errors)
    try:
        await add_text(session, report.report_id, text, now, outbox, answers_question=status.asked)
    except ReportRefused as refused:
        wrong = FormErrors({refusal.field: refusal.message for refusal in refused.refusals})
        return _what(request, status, text, wrong)
    return _back(report)


@router.post("/agree")
async def agree(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Let the manager be told."""
    await agree_that_manager_is_told(session, report.report_id, now, outbox)
    return _back(report)


@router.post("/ask-again")
async def ask(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Ask the team how far it is."""
    await ask_again(session, report.report_id, now, outbox)
    return _back(report)


@router.get("/withdraw")
async def confirm_withdrawal(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Ask whether that is meant."""
    return render(request, "track/withdraw.html", status=await status_of(session, report, now))


@router.post("/withdraw")
async def withdraw_report(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Withdraw the report."""
    await withdraw(session, report.report_id, now, outbox)
    return _back(report)


def _back(report: ReportKey) -> Response:
    return RedirectResponse(f"{PATH}/{report.reference}", 303)


def _what(request: Request, status: Status, typed: str, errors: FormErrors) -> Response:
    return render(request, "track/add.html", 422 if errors else 200, status=status, typed=typed, errors=errors)
