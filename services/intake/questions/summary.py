"""The answers as the last page lists them."""

from typing import NamedTuple

from services.intake.drafts.domain import Answers
from services.intake.questions.definition import Form
from services.intake.questions.domain import Ask, How, Step, label, one, steps_for
from services.intake.questions.moments import has_time
from services.intake.questions.reading import CARRIED, day, moment
from shared.auth.principal import Principal
from shared.web.times import uk_date, uk_time


class Row(NamedTuple):
    """A question, its answer in lines, and the page to change it on."""

    question: str
    lines: tuple[str, ...]
    slug: str


NOT_GIVEN = "Not given"
_NEEDS_ITS_LABEL = frozenset({"content_state"})
"""Answers that say nothing without their question."""


def rows(form: Form, answers: Answers, principal: Principal | None) -> tuple[Row, ...]:
    """Return every question that was asked, with its answer."""
    asked = [step for step in steps_for(form.steps, answers) if step.listed]
    found = [Row(step.title, _lines(form, step, answers, principal) or (NOT_GIVEN,), step.slug) for step in asked]
    if carried := one(answers, CARRIED):
        found.append(Row("What goes along from the other form", tuple(carried.split("\n")), "what-happened"))
    return tuple(found)


def lines_of(form: Form, ask: Ask, answers: Answers) -> tuple[str, ...]:
    """Return the answer to one question."""
    if ask.how is How.MOMENT:
        at = moment(answers, ask.name)
        return ((uk_time(at) if has_time(answers, ask.name) else uk_date(at)),) if at else ()
    if ask.how is How.DAY:
        on = day(answers, ask.name)
        return (uk_date(on),) if on else ()
    texts = answers.get(ask.name, ())
    if ask.name in form.choices:
        return tuple(label(form.choices, ask.name, text) for text in texts)
    return tuple(line for text in texts for line in text.split("\n"))


def _lines(form: Form, step: Step, answers: Answers, principal: Principal | None) -> tuple[str, ...]:
    if step.slug == "contact":
        return _contact(form, answers, principal)
    single_choices = sum(ask.name in form.choices for ask in step.asks) > 1 and step.template == "questions/step.html"
    return tuple(
        f"{ask.label} {line}" if ask.name in _NEEDS_ITS_LABEL or single_choices else line
        for ask in step.asks
        for line in lines_of(form, ask, answers)
    )


def _contact(form: Form, answers: Answers, principal: Principal | None) -> tuple[str, ...]:
    reporter = form.to_command(answers, principal).reporter
    kind = label(form.choices, "worker_kind", reporter.worker_kind) if reporter.worker_kind else None
    return tuple(line for line in (reporter.name, reporter.email, kind, reporter.safe_contact) if line)
