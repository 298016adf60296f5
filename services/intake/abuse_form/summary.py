"""The answers as the last page lists them."""

from typing import NamedTuple

from services.intake.abuse_form.domain import BY_SLUG, Step, steps_for
from services.intake.abuse_form.forms import one, to_command
from services.intake.abuse_form.options import CHOICES, label
from services.intake.drafts.domain import Answers
from shared.auth.principal import Principal
from shared.web.times import uk_date, uk_time


class Row(NamedTuple):
    """A question, its answer in lines, and the page to change it on."""

    question: str
    lines: tuple[str, ...]
    slug: str


NOT_GIVEN = "Not given"


def rows(answers: Answers, principal: Principal | None) -> tuple[Row, ...]:
    """Return every question that was asked, with its answer."""
    asked = [step for step in steps_for(answers) if step.slug != "safety"]
    return tuple(Row(step.title, _lines(step, answers, principal) or (NOT_GIVEN,), step.slug) for step in asked)


def _lines(step: Step, answers: Answers, principal: Principal | None) -> tuple[str, ...]:
    if step is BY_SLUG["when"]:
        return (_when(answers),)
    if step is BY_SLUG["contact"]:
        return _contact(answers, principal)
    return tuple(line for field in step.fields for line in _field(field, answers))


def _field(field: str, answers: Answers) -> tuple[str, ...]:
    texts = answers.get(field, ())
    if field == "content_state":
        return tuple(f"Can still be seen online: {label(field, text)}" for text in texts)
    if field in CHOICES:
        return tuple(label(field, text) for text in texts)
    return tuple(line for text in texts for line in text.split("\n"))


def _when(answers: Answers) -> str:
    moment = to_command(answers, None).occurred_at
    if moment is None:
        return NOT_GIVEN
    return uk_time(moment) if one(answers, "occurred_time") else uk_date(moment)


def _contact(answers: Answers, principal: Principal | None) -> tuple[str, ...]:
    reporter = to_command(answers, principal).reporter
    kind = label("worker_kind", reporter.worker_kind) if reporter.worker_kind else None
    return tuple(line for line in (reporter.name, reporter.email, kind, reporter.safe_contact) if line)
