"""Going on with another form, with every answer kept.

What the other form asks too stays as it is; what it does not ask goes along in words, so that whoever reads the
report reads all of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from services.intake.drafts.domain import Answers
from services.intake.drafts.handlers import forget_draft
from services.intake.questions.definition import Form
from services.intake.questions.domain import Choice, Option, Steps, first_open, steps_for
from services.intake.questions.forms import is_answered
from services.intake.questions.reading import CARRIED
from services.intake.questions.summary import lines_of
from services.intake.questions.visit import COOKIE, Visit

FIELD, SWITCH = "which_form", "switch"
_ABOUT_THE_WAY = frozenset({FIELD, "safe", "being_abused"})
"""Answers that say how to go through a form, not what happened."""


def which_form_choice(switch_label: str, stay_label: str) -> Mapping[str, Choice]:
    """Return the choice between going on with the other form and with this one."""
    options = (Option(SWITCH, switch_label, "Every answer is kept."), Option("stay", stay_label))
    return {FIELD: Choice(options, "Select how you want to go on")}


def switched(answers: Answers, source: Form, target: Form) -> Answers:
    """Return the answers of `source` as `target` has them."""
    kept = {name: texts for name, texts in answers.items() if name not in {FIELD, CARRIED}}
    said = {name: texts for name, texts in source.to_other[target.name](kept).items() if texts and not kept.get(name)}
    carried = _carried(kept, source, target, asked=steps_for(target.steps, {**kept, **said}))
    return {**kept, **said, **({CARRIED: (carried,)} if carried else {})}


async def switch(request: Request, visit: Visit, answers: Answers) -> Response:
    """Begin the other form with the answers of this one, and forget them here."""
    source = visit.form
    target = cast(Mapping[str, Form], request.app.state.forms)[next(iter(source.to_other))]
    moved = switched(answers, source, target)
    done = {step.slug for step in steps_for(target.steps, moved) if is_answered(target, step, moved, visit.now)}
    opened = first_open(target.steps, moved, done)
    response = RedirectResponse(f"{target.base}/{opened.slug if opened else 'check'}", 303)
    await forget_draft(visit.session, visit.cookie)
    response.delete_cookie(COOKIE, path=source.base)
    await replace(visit, form=target).begin(response, moved, done)
    return response


def _carried(answers: Answers, source: Form, target: Form, *, asked: Steps) -> str:
    """Return in words what `target` neither asks, as far as the answers go, nor understands."""
    known = {field for step in asked for field in step.fields} | target.understands | _ABOUT_THE_WAY
    parts = [
        f"{ask.label.removesuffix('?')}: {', '.join(said)}"
        for step in steps_for(source.steps, answers)
        for ask in step.asks
        if not known.issuperset(ask.fields) and (said := lines_of(source, ask, answers))
    ]
    return "\n".join([f"Answered on another form ({source.caption}):", *parts]) if parts else ""
