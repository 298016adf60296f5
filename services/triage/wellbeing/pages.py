"""/cases/SP-…/step-back: leave a case to others. /cases/wellbeing: what people were shown, and what leads are asked.

/cases/second-reviews: decide about cases without knowing what another person decided.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import activities, views
from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.dependencies import CaseParts, ViewerDep, WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.pages import came_from, led, opened, way_back
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.evidence import handlers as evidence
from services.triage.evidence import queries as seen
from services.triage.evidence.pages import Place, openings, values_of
from services.triage.evidence.views import Asked, pieces
from services.triage.exposure import domain as limits
from services.triage.exposure import handlers as exposures
from services.triage.exposure import queries as exposure
from services.triage.exposure.domain import CapReached, NotTheirLead
from services.triage.outcome_reviews.refusals import REFUSALS as REVIEW_REFUSALS
from services.triage.reports import queries as reports
from services.triage.wellbeing import domain, handlers, queries
from services.triage.wellbeing.domain import NothingHandedOver, SecondReview
from services.triage.wellbeing.refusals import REFUSALS
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.vocabulary import Outcome
from shared.people import names_of
from shared.runtime import parts_of
from shared.web.dependencies import Now, Transaction
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

PAGE = "/cases/wellbeing"
_CASE = "/cases/SP-{rest}"
_ALL_REFUSALS = {**CASE_REFUSALS, **REVIEW_REFUSALS, **REFUSALS}
SECOND_REVIEWS = "/cases/second-reviews"
_SECOND = SECOND_REVIEWS + "/{review_id}"
_LONGEST_ID = 40
_DONE = {
    "allowed": "They can see more today.",
    "conflict": "You no longer see this case, or other cases of the same report. A lead can let you see it again.",
    "handed-over": "The case is back in the queue. Only leads of the team learn that you handed it over.",
    "decided": "Recorded. Thank you.",
    "let-in": "They can see the case again.",
}


@router.get(PAGE)
async def wellbeing_page(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> HTMLResponse:
    """Show a person what they were shown today, and a lead who asks to see more."""
    return await _page(request, session, viewer, now)


@router.post(PAGE)
async def allow_more(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> Response:
    """Let a person see more content today; if that is refused, show the page again with the reason."""
    form = await FormReader.posted(request)
    subject = form.line("subject", "Choose a person", _LONGEST_ID)
    if subject is None:
        return await _page(request, session, viewer, now, errors=form.errors, status=422)
    try:
        await exposures.allow_more(session, subject, viewer.subject, viewer.leads, now)
    except NotTheirLead as error:
        status = record_refusal(refusal_of(error, REFUSALS), error, form.errors, "subject")
        return await _page(request, session, viewer, now, errors=form.errors, status=status)
    return RedirectResponse(f"{PAGE}?done=allowed", 303)


@router.post(f"{PAGE}/hand-overs")
async def note_hand_over(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> Response:
    """Note that a lead knows of a hand-over; if another did so meanwhile, show the page again with that."""
    form = await FormReader.posted(request)
    try:
        for hand_over_id in form.uuids("hand_over")[:1]:
            await handlers.note_hand_over(session, viewer, hand_over_id, now)
    except NothingHandedOver as error:
        status = record_refusal(refusal_of(error, REFUSALS), error, form.errors, "hand_over")
        return await _page(request, session, viewer, now, errors=form.errors, status=status)
    return RedirectResponse(PAGE, 303)


@router.get(f"{PAGE}/hand-overs")
async def hand_overs_again(_viewer: ViewerDep) -> RedirectResponse:
    """Go back to the page, as after a reload."""
    return RedirectResponse(PAGE, 303)


@router.post(f"{_CASE}/ask-for-more")
async def ask_for_more(request: Request, work: WorkDep, rest: str) -> RedirectResponse:
    """Ask the leads of the team that has the case to let the person see more today."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    await handlers.ask_for_more(work, case.team)
    return led(request, case, at="#exposure")


@router.get(f"{_CASE}/step-back")
async def step_back(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the ways to leave a case to others."""
    return await _step_back(request, work, await opened(work, rest))


@router.post(f"{_CASE}/conflict")
async def declare_conflict(request: Request, work: WorkDep, rest: str) -> RedirectResponse:
    """Keep the case from the person who asks for it; they cannot see its page any more."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    await handlers.declare_conflict(work, case.case_id)
    return RedirectResponse(f"{PAGE}{way_back(request, done='conflict')}", 303)


@router.post(f"{_CASE}/hand-over")
async def hand_over(request: Request, work: WorkDep, rest: str) -> Response:
    """Hand the case over, no questions asked; if it is not theirs, show the page again with the reason."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    try:
        await handlers.hand_over(work, case.case_id)
    except tuple(_ALL_REFUSALS) as error:
        errors = FormErrors()
        status = record_refusal(refusal_of(error, _ALL_REFUSALS), error, errors, "hand-over")
        return await _step_back(request, work, case, errors=errors, status=status)
    return RedirectResponse(f"{PAGE}{way_back(request, done='handed-over')}", 303)


@router.post(f"{_CASE}/step-back")
async def end_conflict(request: Request, work: WorkDep, rest: str) -> Response:
    """Let a person see the case again; if that is refused, show the page again with the reason."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await FormReader.posted(request)
    staff_id = form.line("staff_id", "Choose a person", _LONGEST_ID)
    if staff_id is None:
        return await _step_back(request, work, case, errors=form.errors, status=422)
    try:
        await handlers.end_conflict(work, case.case_id, staff_id)
    except tuple(_ALL_REFUSALS) as error:
        status = record_refusal(refusal_of(error, _ALL_REFUSALS), error, form.errors, "staff_id")
        return await _step_back(request, work, case, errors=form.errors, status=status)
    return RedirectResponse(f"/cases/{case.reference}/step-back{way_back(request, done='let-in')}", 303)


@router.get(SECOND_REVIEWS)
async def second_reviews(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> HTMLResponse:
    """List the outcomes that a person may decide too; a lead also sees where two people differ."""
    return render(
        request,
        "second_reviews.html",
        reviews=await queries.waiting(session, viewer),
        most=queries.MOST_OFFERED,
        leads=viewer.leads,
        differing=await queries.differing(session, viewer, now) if viewer.leads else [],
        agreement=await queries.agreement(session, viewer, viewer.leads, now - queries.RECENT) if viewer.leads else [],
        viewer=viewer,
        wording=views,
    )


@router.get(_SECOND)
async def second_review(request: Request, work: WorkDep, review_id: UUID) -> HTMLResponse:
    """Show the answers of a report, and neither its case nor what was decided, until a second person has decided."""
    return await _second(request, work, await _review(work, review_id))


@router.post(f"{_SECOND}/ask-for-more")
async def ask_for_more_here(work: WorkDep, review_id: UUID) -> RedirectResponse:
    """Ask the leads of the team to let the person see more today, without saying which case it is."""
    await handlers.ask_for_more(work, (await _review(work, review_id)).team)
    return RedirectResponse(f"{SECOND_REVIEWS}/{review_id}#exposure", 303)


@router.get(f"{_SECOND}/{{asked:path}}")
async def second_review_again(work: WorkDep, review_id: UUID) -> RedirectResponse:
    """Go back to the page from the address of one of its forms, as after a reload."""
    await _review(work, review_id)
    return RedirectResponse(f"/cases/second-reviews/{review_id}", 303)


@router.post(f"{_SECOND}/show", dependencies=[requires(Permission.SEE_CASE_CONTENT)])
async def show_content(request: Request, work: WorkDep, review_id: UUID) -> HTMLResponse:
    """Show what people wrote as well, and record that a responder asked."""
    review = await _review(work, review_id)
    try:
        await case_handlers.show_content(work, await cases.get(work.session, work.viewer, review.case_id))
    except CapReached:
        return await _second(request, work, review, status=409)
    return await _second(request, work, review, content=True)


@router.post(_SECOND)
async def decide(request: Request, work: WorkDep, review_id: UUID) -> Response:
    """Record what the second person decides; if it is refused, show the page again with the reason."""
    review = await _review(work, review_id)
    form = await FormReader.posted(request)
    outcome = form.choice("outcome", Outcome, "Choose how it should end")
    reason = form.text("reason", "Say why")
    typed = {"outcome": outcome, "reason": form.first("reason")}
    if outcome is None or reason is None:
        return await _second(request, work, review, typed=typed, errors=form.errors, status=422)
    try:
        await handlers.decide(work, review_id, outcome, reason)
    except tuple(_ALL_REFUSALS) as error:
        status = record_refusal(refusal_of(error, _ALL_REFUSALS), error, form.errors, "outcome")
        return await _second(request, work, review, typed=typed, errors=form.errors, status=status)
    return RedirectResponse(f"/cases/second-reviews/{review_id}?done=decided", 303)


async def said_of(work: Work, case: Case) -> str:
    """Return the line on a finished case's page for a lead of its team: what a second person decided; empty if none.

    No one else learns from the case that there is a second review of it.
    """
    if not case.finished or case.team not in work.viewer.leads:
        return ""
    decided = [one for one in (await queries.of_cases(work.session, [case.case_id]))[case.case_id] if one.decided_at]
    newest = decided[-1] if decided else None
    if newest is None or newest.second_outcome is None:
        return ""
    if newest.agrees:
        return "A second person came to the same outcome."
    first, second = views.OUTCOMES[newest.outcome], views.OUTCOMES[newest.second_outcome]
    return f"A second person came to another outcome: {first} first, {second} second."


async def _place(request: Request, work: WorkDep, review_id: UUID) -> Place:
    """Let a person who may decide open the evidence; the case's record says that they did, as for any case."""
    review = await _review(work, review_id)
    domain.require_waiting(review, work.viewer.subject)
    visit = await evidence.visit(work, review.case_id)

    async def page(asked: Asked, status: int) -> HTMLResponse:
        return await _second(request, work, review, asked=asked, status=status)

    return Place(visit, f"{SECOND_REVIEWS}/{review_id}", page)


router.include_router(openings(f"{_SECOND}/evidence", _place, [requires(Permission.SEE_CASE_CONTENT)]))


async def _review(work: Work, review_id: UUID) -> SecondReview:
    return await queries.get(work.session, work.viewer, review_id)


async def _second(
    request: Request,
    work: Work,
    review: SecondReview,
    *,
    content: bool = False,
    typed: Mapping[str, object] | None = None,
    asked: Asked | None = None,
    errors: FormErrors | None = None,
    status: int = 200,
) -> HTMLResponse:
    case = await cases.get(work.session, work.viewer, review.case_id)
    if case.restricted:
        await case_handlers.open_page(work, case.case_id)
    report = await reports.read(work.session, case.report_id, content=content)
    names = await names_of(work.session, views.nameless(report))
    notes = await cases.notes(work.session, case.case_id) if content else []
    asked = asked or Asked()
    return render(
        request,
        "second_review.html",
        status,
        review=review,
        case=case,
        own=domain.same(review.resolved_by, work.viewer.subject),
        report=report,
        rows=views.rows(report, names, grace=None, content=content),
        reported_later=[note for note in notes if note.by_reporter],
        content=content,
        viewer=work.viewer,
        exposure=await exposure.of_person(work.session, work.viewer.subject, work.now),
        outcomes=sorted(domain.judgements(case.report_type), key=list(views.OUTCOMES).index),
        answers=typed or {},
        wording=views,
        errors=errors or asked.errors or FormErrors(),
        done=_done(request),
        names=names,
        **await _evidence(request, work, review, case, asked),
    )


async def _evidence(
    request: Request, work: Work, review: SecondReview, case: Case, asked: Asked
) -> Mapping[str, object]:
    """Return what the page needs to show the evidence, and no colleague in its custody."""
    me, here = work.viewer.subject, f"{SECOND_REVIEWS}/{review.review_id}"
    items = await seen.on_case(work.session, case, work.viewer)
    kept = await seen.custody(work.session, case, items, only=me)
    values = values_of(request, pieces(items, kept), asked, me=me, base=f"{here}/evidence", there=here)
    return {**values, "here": here, "record": activities, "copies": False, "given_purpose": "To decide about the case"}


async def _page(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    now: datetime,
    *,
    errors: FormErrors | None = None,
    status: int = 200,
) -> HTMLResponse:
    asking = await exposure.requests(session, viewer.leads, viewer.subject, now) if viewer.leads else []
    handed_over = await queries.handed_over(session, viewer) if viewer.leads else []
    people = [*(one.subject for one in asking), *(one.subject for one, _ in handed_over)]
    return render(
        request,
        "wellbeing.html",
        status,
        back=parts_of(request, CaseParts).queues.address(came_from(request)),
        exposure=await exposure.of_person(session, viewer.subject, now),
        limits=limits,
        leads=viewer.leads,
        requests=asking,
        totals=await exposure.totals(session, viewer.leads, now) if viewer.leads else [],
        handed_over=handed_over,
        names=await names_of(session, people),
        wording=views,
        errors=errors or FormErrors(),
        done=_done(request),
    )


async def _step_back(
    request: Request, work: Work, case: Case, *, errors: FormErrors | None = None, status: int = 200
) -> HTMLResponse:
    leads = case.team in work.viewer.leads
    conflicts = await queries.conflicts(work.session, case.case_id) if leads else []
    return render(
        request,
        "step_back.html",
        status,
        way_back=partial(way_back, request),
        case=case,
        leads=leads,
        theirs=domain.same(case.assignee, work.viewer.subject) and not case.finished,
        conflicts=conflicts,
        leaves_no_one=await handlers.leaves_no_one(work, case),
        names=await names_of(work.session, [one.staff_id for one in conflicts]),
        errors=errors or FormErrors(),
        done=_done(request),
    )


def _done(request: Request) -> str | None:
    """Return the message about the last action: one of our own texts, never one from the URL."""
    return _DONE.get(request.query_params.get("done", ""))
