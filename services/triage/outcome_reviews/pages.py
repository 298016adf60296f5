"""/cases/SP-…/review: the tab where a responder looks at an outcome again, and decides whether it stands."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.triage.cases import handlers as cases
from services.triage.cases import queries as case_queries
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, led, opened, show
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.exposure.domain import CapReached
from services.triage.outcome_reviews import domain, queries
from services.triage.outcome_reviews.handlers import decide
from services.triage.outcome_reviews.refusals import REFUSALS
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.vocabulary import ReviewResult
from shared.web.forms import FormErrors, FormReader
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

_PAGE = "/cases/SP-{rest}/review"
_ALL_REFUSALS = {**CASE_REFUSALS, **REFUSALS}
LONGEST_REASON = 2_000


@router.get(_PAGE)
async def review_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the request that waits, without the reporter's reason."""
    return await _tab(request, work, await opened(work, rest))


@router.post(f"{_PAGE}/show", dependencies=[requires(Permission.SEE_CASE_CONTENT)])
async def show_reason(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the reporter's reason, and record that a responder asked."""
    found = await case_queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    try:
        case = await cases.show_content(work, found)
    except CapReached:
        return await _tab(request, work, found, status=409)
    return await _tab(request, work, case, content=True)


@router.post(_PAGE)
async def record_decision(request: Request, work: WorkDep, rest: str) -> Response:
    """Record the decision; if it is refused, show the page again with the reason and what was typed."""
    case = await case_queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await FormReader.posted(request)
    result = form.choice("result", ReviewResult, "Choose whether the outcome stands")
    typed = {"result": result, "reason": form.first("reason")}
    reason, errors = form.text("reason", "Say why", LONGEST_REASON), form.errors
    if errors or result is None or reason is None:
        return await _tab(request, work, case, typed=typed, errors=errors, status=422)
    try:
        await decide(work, case.case_id, form.version() or 0, result, reason)
    except tuple(_ALL_REFUSALS) as error:
        status = record_refusal(refusal_of(error, _ALL_REFUSALS), error, errors, "result")
        again = await case_queries.get(work.session, work.viewer, case.case_id)
        return await _tab(request, work, again, typed=typed, errors=errors, status=status)
    return led(request, case, done=f"review-{result}")


async def _tab(
    request: Request,
    work: Work,
    case: Case,
    *,
    content: bool = False,
    typed: Mapping[str, object] | None = None,
    errors: FormErrors | None = None,
    status: int = 200,
) -> HTMLResponse:
    reviews = await queries.of_case(work.session, case.case_id)
    waiting = domain.waiting(case, reviews)
    shown = {
        "waiting": waiting,
        "may_decide": _may_decide(case, work, waiting),
        "reason_asked": content,
        "reason": await case_queries.text_of_note(work.session, waiting.note_id) if content and waiting else None,
        "answers": typed or {},
        "earlier": [one for one in reversed(reviews) if one != waiting],
    }
    people = [who for one in reviews for who in (one.resolved_by, one.decided_by)]
    return await show(request, work, case, tab=Tab.REVIEW, status=status, shown=Shown(shown, people, errors))


def _may_decide(case: Case, work: Work, waiting: domain.Review | None) -> bool:
    try:
        domain.check(case, work.viewer.subject, waiting)
    except (domain.NothingToReview, domain.ResolvedByThem):
        return False
    return True
