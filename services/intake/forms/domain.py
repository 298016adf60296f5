"""Questions, their order, what was typed so far, and what comes next."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

Answers = Mapping[str, tuple[str, ...]]
"""Field name → what was typed or chosen, as typed."""


Wrong = tuple[str, str]
"""A field, and what to do about it."""


class How(StrEnum):
    """How a question is put."""

    RADIOS = "radios"
    CHECKBOXES = "checkboxes"
    SELECT = "select"
    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    MOMENT = "moment"
    """A day and perhaps a time."""
    DAY = "day"


_BENEATH_A_HEADING = frozenset({How.TEXT, How.EMAIL, How.SELECT})


class Option(NamedTuple):
    """One choice."""

    value: str
    label: str
    hint: str | None = None


class Choice(NamedTuple):
    """A field that takes some of the values of `options`."""

    options: Sequence[Option]
    needed: str | None
    """What to say where nothing is chosen; None where that is fine."""
    many: bool = False
    alone: str | None = None
    """The value that excludes all others, like ‘none of these’."""


class Ask(NamedTuple):
    """One field of a page."""

    name: str
    label: str
    how: How
    hint: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names that its answer comes under."""
        if self.how is How.MOMENT:
            return (*day_fields(self.name), time_field(self.name))
        return day_fields(self.name) if self.how is How.DAY else (self.name,)


def day_fields(name: str) -> tuple[str, str, str]:
    """Return the three fields of a day."""
    return f"{name}-day", f"{name}-month", f"{name}-year"


def time_field(name: str) -> str:
    """Return the field of the time of a moment."""
    return f"{name.removesuffix('_at')}_time"


def _always(_answers: Answers) -> bool:
    return True


def _nothing(_answers: Answers) -> Sequence[Wrong]:
    return ()


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a form."""

    slug: str
    title: str
    asks: tuple[Ask, ...]
    template: str = "forms/step.html"
    lead: tuple[str, ...] = ()
    """Sentences above the fields."""
    numbered: bool = True
    """Whether every reporter is asked: only then it counts in ‘Question 3 of 8’."""
    listed: bool = True
    """Whether the last page lists the answer."""
    asked: Callable[[Answers], bool] = _always
    also_wrong: Callable[[Answers], Sequence[Wrong]] = _nothing
    """What else is wrong with the answers, beside what each field says by itself."""

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(field for ask in self.asks for field in ask.fields)

    @property
    def alone(self) -> Ask | None:
        """The only question of the page, whose words are then the page's heading; a short text has no such words."""
        single = self.asks[0] if len(self.asks) == 1 else None
        return None if single is None or single.how in _BENEATH_A_HEADING else single


Steps = tuple[Step, ...]
Choices = Mapping[str, Choice]


def steps_for(steps: Steps, answers: Answers) -> Steps:
    """Return the pages that this person is asked."""
    return tuple(step for step in steps if step.asked(answers))


def first_open(steps: Steps, answers: Answers, done: Collection[str]) -> Step | None:
    """Return the first page that is still to be answered; None when all are."""
    return next((step for step in steps_for(steps, answers) if step.slug not in done), None)


def reachable(steps: Steps, step: Step, answers: Answers, done: Collection[str]) -> bool:
    """Return whether everything before `step` is answered."""
    opened = first_open(steps, answers, done)
    return opened is None or steps.index(step) <= steps.index(opened)


def after(steps: Steps, step: Step, answers: Answers) -> Step | None:
    """Return the page after `step`; None when that is the check."""
    return next(iter(steps_for(steps[steps.index(step) + 1 :], answers)), None)


def before(steps: Steps, step: Step, answers: Answers) -> Step | None:
    """Return the page before `step`."""
    return next(reversed(steps_for(steps[: steps.index(step)], answers)), None)


def progress(steps: Steps, step: Step) -> str | None:
    """Return `Question 3 of 11`; None for a page that not every reporter is asked."""
    numbered = [one for one in steps if one.numbered]
    return f"Question {numbered.index(step) + 1} of {len(numbered)}" if step.numbered else None


def one(answers: Answers, name: str) -> str | None:
    """Return the first text of a field; None where it is empty."""
    return next(iter(answers.get(name, ())), None)


def label(choices: Choices, field: str, value: str) -> str:
    """Return the words of a choice."""
    return next((option.label for option in choices[field].options if option.value == value), value)


LIFETIME = timedelta(hours=24)
"""Since the last answer (our choice: a shift can end between two questions)."""
SENT_LIFETIME = timedelta(hours=1)
"""How long the page that confirms a report can be looked at again."""


class KnownBy(StrEnum):
    """What says who the manager is."""

    ADDRESS = "address"
    SIGN_IN = "sign_in"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class SentReport:
    """What was sent: all that is left of a draft after that."""

    reference: str
    confidentiality: str
    manager_alert: str
    manager_known_by: KnownBy
    receipt_code: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    """What else the confirmation page needs."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Answers so far; or, once sent, what was sent alone."""

    answers: Answers = field(default_factory=dict, repr=False)
    done: frozenset[str] = frozenset()
    """Steps that were answered without an error."""
    sent: SentReport | None = None
