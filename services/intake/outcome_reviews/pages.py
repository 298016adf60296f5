"""/report/track/SP-…/review: why the outcome should be looked at again."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.outcome_reviews.handlers import ask_for_review
from services.intake.reports.access import PATH, ByVisitor
from services.intake.reports.domain import NothingToReview, ReportRefused, ReviewAskedAlready, TooManyAdditions
from services.intake.reports.queries import ReportKey
from services.intake.reports.refusals import REFUSALS
from services.intake.tracking.queries import status_of
from shared.web.dependencies import Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(prefix=f"{PATH}/{{reference}}", include_in_schema=False)
_NO_ERRORS = FormErrors()


@router.get("/review")
async def ask_why(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Ask why; say so where the outcome cannot be looked at again."""
    return await _page(request, report, session, now)


@router.post("/review")
async def send_request(
    request: Request, report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep
) -> Response:
    """Send the request, or show it again with the errors."""
    form = await FormReader.posted(request)
    reason, errors, status = form.first("reason").strip(), form.errors, 422
    if not errors:
        try:
            await ask_for_review(session, report, reason, now, outbox)
        except ReportRefused as refused:
            errors = FormErrors({refusal.field: refusal.message for refusal in refused.refusals})
        except (NothingToReview, ReviewAskedAlready, TooManyAdditions) as error:
            status = record_refusal(refusal_of(error, REFUSALS), error, errors, "reason")
    if errors:
        return await _page(request, report, session, now, reason, errors, status)
    return RedirectResponse(f"{PATH}/{report.reference}#review", 303)


async def _page(
    request: Request,
    report: ReportKey,
    session: Transaction,
    now: Now,
    typed: str = "",
    errors: FormErrors = _NO_ERRORS,
    status_code: int = 200,
) -> Response:
    status = await status_of(session, report, now)
    return render(request, "outcome_reviews/ask.html", status_code, status=status, typed=typed, errors=errors)
