"""A form: its questions, what is wrong with an answer, the answers as listed, and as another form has them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from services.intake.forms.domain import Answers, KnownBy, SentReport, one
from services.intake.forms.questions import CAPTURE, CONFIDENTIALITY, FIELD
from services.intake.forms.reader import CARRIED, day, has_time, moment
from services.intake.forms.steps import Choice, Choices, Step, Steps, label, steps_for
from services.intake.reports.domain import Accepted, Occurrence, Report, refusals
from shared.addresses import email_problem, mended_email
from shared.auth.permissions import Permission, Principal
from shared.events.vocabulary import Confidentiality, ReportType
from shared.text import is_blank
from shared.web.forms import Field, FormErrors, FormReader, Kind, Option
from shared.web.times import uk_date, uk_time

_ABOUT_YOU = "forms/about-you-or-sign-in.html"
_FIELD_OF = {
    "reporter": "confidentiality",
    "suspected": "suspected_name",
    "subject": "subject_name",
    "account": "account_platform",
}
"""Part of a report → the form's field beside which its error is shown."""


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
    sent: str
    """Template of the confirmation."""
    told: str
    """Template of the list of those who are told."""
    thing: str = "report"
    open_to_all: bool = False
    """Whether people can fill it in without signing in."""
    kind: ReportType | None = None
    """What it reports, where a setting may let people send it without saying who they are."""
    needs: Permission = Permission.REPORT
    """The permission needed, if people must sign in."""
    exits: bool = False
    """Whether its pages can be left at once, because someone may be watching."""
    to_other: Mapping[str, Callable[[Answers], Answers]] = field(default_factory=dict)
    """Name of another form that these answers may belong to → what they say in that form's own fields."""
    understands: frozenset[str] = frozenset()
    """Fields that `to_command` reads though no page of this form asks for them."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Part of a report → this form's field for it, if not the usual one."""
    notes: Callable[[Report], tuple[str, ...]] = _nothing
    """Further data for the confirmation page."""

    aside: Callable[[Answers], str | None] = _nowhere
    """A page to show after the first question, for some answers to it."""

    @property
    def base(self) -> str:
        return f"/report/{self.name}"

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(name for step in self.steps for name in step.fields)

    @property
    def anonymous(self) -> "Form":
        """The form as it is where people may send it without saying who they are; only who signs in has a name."""
        choice = self.choices["confidentiality"]._replace(options=CONFIDENTIALITY)
        steps = tuple(replace(step, template=_ABOUT_YOU) if step.slug == "about-you" else step for step in self.steps)
        return replace(self, open_to_all=True, steps=steps, choices={**self.choices, "confidentiality": choice})

    def step(self, slug: str) -> Step | None:
        """Return the page at `slug`."""
        return next((step for step in self.steps if step.slug == slug), None)

    def asks(self, step: Step) -> tuple[Field, ...]:
        """Return the fields of `step` with what can be chosen on this form."""
        return tuple(_with_options(ask, self.choices.get(ask.name)) for ask in step.asks)

    def needed(self, name: str) -> str | None:
        """Return the message if nothing is chosen for the field `name`; None if no answer is needed."""
        return self.choices[name].needed if name in self.choices else None

    def field_of(self, name: str) -> str:
        """Return the field beside which a domain error is shown."""
        return self.aliases.get(name) or _FIELD_OF.get(name, name)


_MOST_CHOICES = 50


def _with_options(ask: Field, choice: Choice | None) -> Field:
    if choice is None:
        return ask
    nothing = (Option("", "Choose" if choice.needed else "Choose, if you know"),) if ask.kind is Kind.SELECT else ()
    return replace(ask, options=(*nothing, *choice.options), alone=choice.alone)


def picked(step: Step, typed: FormReader) -> Answers:
    """Return the fields of `step` of a posted form."""
    written = {name for ask in step.asks if ask.kind is Kind.TEXT for name in ask.names}
    fields = {name: [text.strip() for text in typed.typed.get(name, ())[:_MOST_CHOICES]] for name in step.fields}
    return {
        name: tuple(text for text in texts if text and (name in written or not is_blank(text)))
        for name, texts in fields.items()
    }


def find_errors(
    form: Form, step: Step, answers: Answers, now: datetime, *, signed_in: bool, errors: FormErrors
) -> None:
    """Record what is wrong with the fields of `step`, in the order of the page."""
    typed = FormReader(answers, errors)
    if "name" in step.fields and not signed_in and not one(answers, "name"):
        errors.add("name", "Enter your name, or sign in")
    hidden = {name for ask in step.asks if not ask.is_asked(answers) for name in ask.names}
    for ask in form.asks(step):
        if ask.name not in hidden:
            _check(ask, form.needed(ask.name), typed)
    for name, message in step.also_wrong(answers):
        errors.add(name, message)
    for refusal in refusals(form.to_command(answers, None), now):
        if signed_in and refusal.field == "reporter":
            continue
        name = form.field_of(refusal.field)
        if step.asks_for(name) and name not in hidden and not _says_none(form, name, answers):
            errors.add(name, refusal.message)


def _says_none(form: Form, name: str, answers: Answers) -> bool:
    """Return whether the answer is ‘none of these’: an answer, though the report has nothing in that field."""
    choice = form.choices.get(name)
    return choice is not None and choice.alone is not None and answers.get(name) == (choice.alone,)


def is_answered(form: Form, step: Step, answers: Answers, now: datetime) -> bool:
    """Return whether `answers` already have a valid answer to `step`, so that it is not asked again."""
    errors = FormErrors()
    find_errors(form, step, answers, now, signed_in=True, errors=errors)
    return not errors and any(answers.get(name) for name in step.fields)


def _check(ask: Field, needed: str | None, typed: FormReader) -> None:
    match ask.kind:
        case Kind.MOMENT:
            moment(typed, ask.name)
        case Kind.DAY:
            day(typed, ask.name)
        case Kind.CHECKBOXES:
            typed.some_of(ask, needed)
        case Kind.RADIOS | Kind.SELECT:
            typed.one_of(ask.name, [option.value for option in ask.options], needed)
        case Kind.EMAIL if (email := typed.first(ask.name)) and (problem := email_problem(mended_email(email))):
            typed.errors.add(ask.name, problem)


class Row(NamedTuple):
    """A question, its answer in lines, and the page to change it on."""

    question: str
    lines: tuple[str, ...]
    slug: str


NOT_GIVEN = "Not given"
_NEEDS_ITS_LABEL = frozenset({"content_state"})
"""Answers that say nothing without their question."""


def rows(form: Form, answers: Answers, principal: Principal | None, added: Sequence[str] = ()) -> tuple[Row, ...]:
    """Return every question that was asked, with its answer; `added` is said of the files."""
    asked = [step for step in steps_for(form.steps, answers) if step.listed]
    found = [
        Row(
            step.title,
            (*_lines(form, step, answers, principal), *(added if step.takes_files else ())) or (NOT_GIVEN,),
            step.slug,
        )
        for step in asked
    ]
    if carried := one(answers, CARRIED):
        found.append(Row("Your answers from the other form", tuple(carried.split("\n")), "what-happened"))
    return tuple(found)


def lines_of(form: Form, ask: Field, answers: Answers) -> tuple[str, ...]:
    """Return the answer to one question."""
    if ask.kind is Kind.MOMENT:
        at = moment(FormReader(answers), ask.name)
        return ((uk_time(at) if has_time(answers, ask.name) else uk_date(at)),) if at else ()
    if ask.kind is Kind.DAY:
        on = day(FormReader(answers), ask.name)
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
        if ask.is_asked(answers) and not ask.name.startswith(CAPTURE)
        for line in lines_of(form, ask, answers)
    )


def _contact(form: Form, answers: Answers, principal: Principal | None) -> tuple[str, ...]:
    reporter = form.to_command(answers, principal).reporter
    kind = label(form.choices, "worker_kind", reporter.worker_kind) if reporter.worker_kind else None
    return tuple(line for line in (reporter.name, reporter.email, kind, reporter.safe_contact) if line)


def sent_report(form: Form, command: Report, accepted: Accepted | None) -> SentReport:
    """Return what the confirmation page shows of an accepted report; without one, what it will show."""
    reporter = command.reporter
    return SentReport(
        reference=accepted.reference if accepted else "",
        report_id=accepted.report_id if accepted else None,
        confidentiality=reporter.confidentiality,
        manager_alert=command.manager_alert if isinstance(command, Occurrence) else "",
        manager_known_by=_known_by(command),
        receipt_code=accepted.receipt_code if accepted else None,
        notes=form.notes(command),
        seen_by_manager=reporter.confidentiality is Confidentiality.NAMED and reporter.staff_id is not None,
    )


def _known_by(command: Report) -> KnownBy:
    """Return how the manager is found: by the address given, else by who signed in, and by nothing that was typed."""
    if isinstance(command, Occurrence) and command.manager_email:
        return KnownBy.ADDRESS
    return KnownBy.SIGN_IN if command.reporter.staff_id else KnownBy.NOTHING


_ABOUT_THE_WAY = frozenset({FIELD, "safe", "being_abused", "tell_someone"})
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
        if ask.is_asked(answers) and not known.issuperset(ask.names) and (said := lines_of(source, ask, answers))
    ]
    return "\n".join([f"Answered on another form ({source.caption}):", *parts]) if parts else ""
