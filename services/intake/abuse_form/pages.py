"""/report/abuse: one question a page, and the way between them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.abuse_form.domain import (
    BY_SLUG,
    SAFETY,
    Step,
    after,
    before,
    first_open,
    progress,
    reachable,
)
from services.intake.abuse_form.forms import find_errors, one, picked
from services.intake.abuse_form.options import CHOICES
from services.intake.abuse_form.visit import BASE, Visit, VisitDep
from services.intake.drafts.domain import Answers
from shared.auth.guard import anyone
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import standard_problem

router = APIRouter(prefix=BASE, include_in_schema=False)


def _step(slug: str) -> Step:
    if slug not in BY_SLUG:
        raise standard_problem(404)
    return BY_SLUG[slug]


StepDep = Annotated[Step, Depends(_step)]


@router.get("", dependencies=[Depends(anyone)])
def start() -> Response:
    """Begin with the first question."""
    return RedirectResponse(f"{BASE}/{SAFETY.slug}", 303)


@router.get("/help-now", dependencies=[Depends(anyone)])
def help_now(request: Request) -> Response:
    """Say what to do first where it is not safe. It never stops a report (Sc-b)."""
    return render(request, "abuse/help-now.html", back=f"{BASE}/{SAFETY.slug}")


@router.get("/{slug}")  # noqa: FAST003 - StepDep takes it
async def show(request: Request, step: StepDep, visit: VisitDep) -> Response:
    """Show a question with what was answered before."""
    if not reachable(step, visit.answers, visit.done):
        return _to_first_open(visit)
    return _page(request, step, visit.answers, FormErrors(), visit)


@router.post("/{slug}")  # noqa: FAST003 - StepDep takes it
async def answer(request: Request, step: StepDep, visit: VisitDep) -> Response:
    """Keep the answer and go on; or show it again with what is wrong beside it.

    Beside other tabs it adds its own answers only. A report that was sent stays sent: a page of the form that was
    open before leads to what was sent, and only the first question begins another report.
    """
    errors = FormErrors()
    form = await read_form(request, errors)
    begins_anew = step is SAFETY and visit.sent and "change" not in form
    visit = await visit.locked()
    if visit.sent and not begins_anew:
        return RedirectResponse(f"{BASE}/sent", 303)
    answers = {**visit.answers, **picked(step, form, errors)}
    find_errors(step, answers, visit.now, errors, signed_in=visit.principal is not None)
    if errors:
        return _page(request, step, answers, errors, visit)
    response = RedirectResponse(_next(step, answers, visit, changing="change" in form), 303)
    await visit.keep(response, answers, {*visit.done, step.slug})
    return response


def _next(step: Step, answers: Answers, visit: Visit, *, changing: bool) -> str:
    if step is SAFETY and one(answers, "safe") != "yes":
        return f"{BASE}/help-now"
    later = first_open(answers, {*visit.done, step.slug}) if changing else after(step, answers)
    return f"{BASE}/{later.slug if later else 'check'}"


def _to_first_open(visit: Visit) -> Response:
    opened = first_open(visit.answers, visit.done) or SAFETY
    return RedirectResponse(f"{BASE}/{opened.slug}", 303)


def _page(request: Request, step: Step, answers: Answers, errors: FormErrors, visit: Visit) -> Response:
    changing = "change" in request.query_params
    earlier = before(step)
    return render(
        request,
        f"abuse/{step.slug}.html",
        422 if errors else 200,
        step=step,
        progress=progress(step),
        answers=answers,
        choices=CHOICES,
        errors=errors,
        changing=changing,
        back=f"{BASE}/check" if changing else f"{BASE}/{earlier.slug}" if earlier else "/",
        principal=visit.principal,
    )
