"""The questions of a form, one a page, and the way between them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.drafts.domain import Answers
from services.intake.questions.domain import Step, after, before, first_open, one, progress, reachable
from services.intake.questions.forms import find_errors, picked
from services.intake.questions.switching import FIELD, SWITCH, switch
from services.intake.questions.visit import FormDep, Visit, VisitDep
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import standard_problem

router = APIRouter(include_in_schema=False)


def _step(slug: str, form: FormDep) -> Step:
    step = form.step(slug)
    if step is None:
        raise standard_problem(404)
    return step


StepDep = Annotated[Step, Depends(_step)]


@router.get("")
def start(form: FormDep) -> Response:
    """Begin with the first question."""
    return RedirectResponse(f"{form.base}/{form.steps[0].slug}", 303)


@router.get("/{slug}")  # noqa: FAST003 - StepDep takes it
async def show(request: Request, step: StepDep, visit: VisitDep) -> Response:
    """Show a question with what was answered before."""
    if not reachable(visit.form.steps, step, visit.answers, visit.done):
        return _to_first_open(visit)
    return _page(request, step, visit.answers, FormErrors(), visit)


@router.post("/{slug}")  # noqa: FAST003 - StepDep takes it
async def answer(request: Request, step: StepDep, visit: VisitDep) -> Response:
    """Keep the answer and go on; or show it again with what is wrong beside it.

    Beside other tabs it adds its own answers only. A report that was sent stays sent: a page of the form that was
    open before leads to what was sent, and only the first question begins another report.
    """
    errors = FormErrors()
    typed = await read_form(request, errors)
    begins_anew = step is visit.form.steps[0] and visit.sent and "change" not in typed
    visit = await visit.locked()
    if visit.sent and not begins_anew:
        return RedirectResponse(f"{visit.form.base}/sent", 303)
    answers = {**visit.answers, **picked(step, typed, errors)}
    find_errors(visit.form, step, answers, visit.now, errors, signed_in=visit.principal is not None)
    if errors:
        return _page(request, step, answers, errors, visit)
    if one(answers, FIELD) == SWITCH and FIELD in step.fields:
        return await switch(request, visit, answers)
    response = RedirectResponse(_next(step, answers, visit, changing="change" in typed), 303)
    await visit.keep(response, answers, {*visit.done, step.slug})
    return response


def _next(step: Step, answers: Answers, visit: Visit, *, changing: bool) -> str:
    form = visit.form
    if (aside := form.aside(answers)) and step is form.steps[0]:
        return f"{form.base}/{aside}"
    done, answered_first = {*visit.done, step.slug}, step.slug not in visit.done
    skips = changing or answered_first  # what another form has answered already need not be gone through
    later = first_open(form.steps, answers, done) if skips else after(form.steps, step, answers)
    return f"{form.base}/{later.slug if later else 'check'}"


def _to_first_open(visit: Visit) -> Response:
    opened = first_open(visit.form.steps, visit.answers, visit.done) or visit.form.steps[0]
    return RedirectResponse(f"{visit.form.base}/{opened.slug}", 303)


def _page(request: Request, step: Step, answers: Answers, errors: FormErrors, visit: Visit) -> Response:
    form, changing = visit.form, "change" in request.query_params
    earlier = before(form.steps, step, answers)
    return render(
        request,
        step.template,
        422 if errors else 200,
        form=form,
        step=step,
        progress=progress(form.steps, step),
        answers=answers,
        choices=form.choices,
        errors=errors,
        changing=changing,
        back=f"{form.base}/check" if changing else f"{form.base}/{earlier.slug}" if earlier else "/",
        principal=visit.principal,
    )
