"""The last pages: check your answers, send, and what you are given."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.drafts.domain import Draft, KnownBy, Outcome
from services.intake.drafts.handlers import forget_draft, keep_draft, lock_draft
from services.intake.questions.domain import before, first_open, steps_for
from services.intake.questions.summary import rows
from services.intake.questions.visit import COOKIE, Visit, VisitDep
from services.intake.reports.dependencies import Submit, SubmitDep
from services.intake.reports.domain import Occurrence, Refusal, Report, ReportRefused
from services.intake.tracking.passes import give_pass, take_pass_away
from shared.ids import Reference
from shared.web.forms import FormErrors
from shared.web.pages import render

router = APIRouter(include_in_schema=False)


@router.get("/check")
async def check(request: Request, visit: VisitDep) -> Response:
    """Show all answers, each with a link to change it."""
    if opened := first_open(visit.form.steps, visit.answers, visit.done):
        return RedirectResponse(f"{visit.form.base}/{opened.slug}", 303)
    return _check_page(request, visit, ())


@router.post("/check")
async def send(request: Request, visit: VisitDep, submit: SubmitDep) -> Response:
    """Send the report. A second click waits for the first and is shown the same report."""
    form, draft = visit.form, await lock_draft(visit.session, visit.cookie, visit.now)
    if draft is None or (draft.outcome is None and first_open(form.steps, draft.answers, draft.done)):
        return RedirectResponse(f"{form.base}/check", 303)
    try:
        outcome = draft.outcome or await _submitted(draft, visit, submit)
    except ReportRefused as refused:
        return _check_page(request, visit, refused.refusals)
    response = RedirectResponse(f"{form.base}/sent", 303)
    give_pass(request, response, Reference(outcome.reference), visit.now)
    return response


@router.get("/sent")
async def sent(request: Request, visit: VisitDep) -> Response:
    """Show what was sent, for an hour."""
    form = visit.form
    if visit.draft.outcome is None:
        return RedirectResponse("/report/track", 303)
    official = request.app.state.settings.intake_official_channels.get(form.name)
    return render(request, form.sent, form=form, outcome=visit.draft.outcome, official=official)


@router.post("/forget")
async def forget(visit: VisitDep) -> Response:
    """Delete the answers, or what was sent, from this device's view, status page too: somebody may use it next."""
    await forget_draft(visit.session, visit.cookie)
    response = RedirectResponse("/", 303)
    response.delete_cookie(COOKIE, path=visit.form.base)
    take_pass_away(response)
    return response


async def _submitted(draft: Draft, visit: Visit, submit: Submit) -> Outcome:
    command = visit.form.to_command(draft.answers, visit.principal)
    accepted = await submit(command)
    outcome = Outcome(
        reference=accepted.reference,
        confidentiality=command.reporter.confidentiality,
        manager_alert=command.manager_alert if isinstance(command, Occurrence) else "",
        manager_known_by=_known_by(command),
        receipt_code=accepted.receipt_code,
        notes=visit.form.notes(command),
    )
    if visit.cookie:
        await keep_draft(visit.session, visit.cookie, Draft(outcome=outcome), visit.now)
    return outcome


def _known_by(command: Report) -> KnownBy:
    """Say how the manager is found: by the address given, else by who signed in, and by nothing that was typed."""
    if isinstance(command, Occurrence) and command.manager_email:
        return KnownBy.ADDRESS
    return KnownBy.SIGN_IN if command.reporter.staff_id else KnownBy.NOTHING


def _check_page(request: Request, visit: Visit, refusals: tuple[Refusal, ...]) -> Response:
    form, errors = visit.form, FormErrors()
    asked = steps_for(form.steps, visit.answers)
    for refusal in refusals:
        name = form.field_of(refusal.field)
        errors.add(next((step.slug for step in asked if name in step.fields), "check"), refusal.message)
    earlier = asked[-1] if asked[-1].listed else before(form.steps, asked[-1], visit.answers)
    return render(
        request,
        "questions/check.html",
        422 if errors else 200,
        form=form,
        rows=rows(form, visit.answers, visit.principal),
        answers=visit.answers,
        errors=errors,
        back=f"{form.base}/{(earlier or asked[0]).slug}",
    )
