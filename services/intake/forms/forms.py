"""A form: its questions, what is wrong with an answer, the answers as listed, and as another form has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.intake.forms.domain import (
    Answers,
    Ask,
    Choice,
    Choices,
    How,
    KnownBy,
    SentReport,
    Step,
    Steps,
    label,
    one,
    steps_for,
)
from services.intake.forms.questions import FIELD
from services.intake.forms.reader import CARRIED, Unreadable, day, day_of, has_time, moment, moment_of
from services.intake.reports.checks import is_email
from services.intake.reports.domain import Accepted, Occurrence, Report, refusals
from shared.auth.permissions import Permission, Principal
from shared.web.forms import FormErrors, refuse_null_characters
from shared.web.times import uk_date, uk_time

_FIELD_OF = {
    "suspected": "suspected_name",
    "occurred_at": "occurred_at-day",
    "discovered_at": "discovered_at-day",
    "wanted_until": "wanted_until-day",
    "subject": "subject_name",
    "account": "account_platform",
}
"""Part of a report → the form's field that a refusal of it stands beside."""


def _nowhere(_answers: Answers) -> str | None:
    return None


def _nothing(_report: Report) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form. Its pages are at `/report/<name>/…`."""

    name: str
    caption: str
    steps: Steps
    choices: Choices
    to_command: Callable[[Answers, Principal | None], Report]
    """What is missing is left empty, and refused later."""
    sends_to: str
    """A sentence for the last page: who gets it."""
    sent: str
    """Template of the confirmation."""
    thing: str = "report"
    open_to_all: bool = False
    """Whether one can fill it in without signing in."""
    needs: Permission = Permission.REPORT
    """The permission that it takes where one has to sign in."""
    exits: bool = False
    """Whether its pages can be left at once: someone may be watching."""
    to_other: Mapping[str, Callable[[Answers], Answers]] = field(default_factory=dict)
    """Name of another form that these answers may belong to → what they say in that form's own fields."""
    understands: frozenset[str] = frozenset()
    """Fields that `to_command` reads though no page of this form asks for them."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Part of a report → this form's field for it, where it is not the usual one."""
    notes: Callable[[Report], tuple[str, ...]] = _nothing
    """What else the confirmation page needs to know."""

    aside: Callable[[Answers], str | None] = _nowhere
    """A page to show after the first question, for some answers to it."""

    @property
    def base(self) -> str:
        return f"/report/{self.name}"

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(name for step in self.steps for name in step.fields)

    def step(self, slug: str) -> Step | None:
        """Return the page at `slug`."""
        return next((step for step in self.steps if step.slug == slug), None)

    def field_of(self, name: str) -> str:
        """Return the field that a refusal of the domain stands beside."""
        return self.aliases.get(name) or _FIELD_OF.get(name, name)


_MOST_CHOICES = 50


def picked(step: Step, form: Mapping[str, list[str]], errors: FormErrors) -> Answers:
    """Take the fields of `step` from a posted form; hidden characters that cannot be kept are errors."""
    fields = {name: [text.strip() for text in form.get(name, ())[:_MOST_CHOICES]] for name in step.fields}
    clean = refuse_null_characters(fields, errors)
    return {name: tuple(text for text in texts if text) for name, texts in clean.items()}


def find_errors(
    form: Form, step: Step, answers: Answers, now: datetime, errors: FormErrors, *, signed_in: bool
) -> None:
    """Record what is wrong with the fields of `step`, in the order of the page."""
    if "name" in step.fields and not signed_in and not one(answers, "name"):
        errors.add("name", "Enter your name, or sign in")
    for ask in step.asks:
        _check(ask, form.choices.get(ask.name), answers, errors)
    for name, message in step.also_wrong(answers):
        errors.add(name, message)
    for refusal in refusals(form.to_command(answers, None), now):
        name = form.field_of(refusal.field)
        if name in step.fields:
            errors.add(name, refusal.message)


def is_answered(form: Form, step: Step, answers: Answers, now: datetime) -> bool:
    """Return whether `answers` hold a good answer to `step` already: then it is not asked again."""
    errors = FormErrors()
    find_errors(form, step, answers, now, errors, signed_in=True)
    return not errors and any(answers.get(name) for name in step.fields)


def _check(ask: Ask, choice: Choice | None, answers: Answers, errors: FormErrors) -> None:
    try:
        if ask.how is How.MOMENT:
            moment_of(answers, ask.name)
        elif ask.how is How.DAY:
            day_of(answers, ask.name)
    except Unreadable as error:
        errors.add(error.field, error.message)
    if choice is not None:
        _check_choice(ask.name, choice, answers.get(ask.name, ()), errors)
    if ask.how is How.EMAIL and (email := one(answers, ask.name)) and not is_email(email):
        errors.add(ask.name, "Enter an email address, like name@example.org")


def _check_choice(name: str, choice: Choice, chosen: tuple[str, ...], errors: FormErrors) -> None:
    if not chosen:
        if choice.needed:
            errors.add(name, choice.needed)
    elif not set(chosen) <= {option.value for option in choice.options} or (len(chosen) > 1 and not choice.many):
        errors.add(name, choice.needed or "Select one of the choices")
    elif choice.alone in chosen and len(chosen) > 1:
        words = next(option.label for option in choice.options if option.value == choice.alone)
        errors.add(name, f"Select what applies, or ‘{words}’, not both")


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
    single_choices = sum(ask.name in form.choices for ask in step.asks) > 1 and step.template == "forms/step.html"
    return tuple(
        f"{ask.label} {line}" if ask.name in _NEEDS_ITS_LABEL or single_choices else line
        for ask in step.asks
        for line in lines_of(form, ask, answers)
    )


def _contact(form: Form, answers: Answers, principal: Principal | None) -> tuple[str, ...]:
    reporter = form.to_command(answers, principal).reporter
    kind = label(form.choices, "worker_kind", reporter.worker_kind) if reporter.worker_kind else None
    return tuple(line for line in (reporter.name, reporter.email, kind, reporter.safe_contact) if line)


def sent_report(form: Form, command: Report, accepted: Accepted) -> SentReport:
    """Return what the confirmation page shows of a report that was taken."""
    return SentReport(
        reference=accepted.reference,
        confidentiality=command.reporter.confidentiality,
        manager_alert=command.manager_alert if isinstance(command, Occurrence) else "",
        manager_known_by=_known_by(command),
        receipt_code=accepted.receipt_code,
        notes=form.notes(command),
    )


def _known_by(command: Report) -> KnownBy:
    """Return how the manager is found: by the address given, else by who signed in, and by nothing that was typed."""
    if isinstance(command, Occurrence) and command.manager_email:
        return KnownBy.ADDRESS
    return KnownBy.SIGN_IN if command.reporter.staff_id else KnownBy.NOTHING


_ABOUT_THE_WAY = frozenset({FIELD, "safe", "being_abused"})
"""Answers that say how to go through a form, not what happened."""


def switched(answers: Answers, source: Form, target: Form) -> Answers:
    """Return the answers of `source` as `target` has them: every answer is kept.

    What `target` asks too stays as it is; what it does not ask goes along in words, so that a reader of the report
    reads all of it.
    """
    kept = {name: texts for name, texts in answers.items() if name not in {FIELD, CARRIED}}
    said = {name: texts for name, texts in source.to_other[target.name](kept).items() if texts and not kept.get(name)}
    carried = _carried(kept, source, target, asked=steps_for(target.steps, {**kept, **said}))
    return {**kept, **said, **({CARRIED: (carried,)} if carried else {})}


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
