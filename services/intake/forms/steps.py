"""The pages of a form, their order, and what comes next."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.intake.forms.domain import Answers
from shared.web.forms import Field, Kind, Option

Wrong = tuple[str, str]
"""A field, and what to do about it."""


_BENEATH_A_HEADING = frozenset({Kind.LINE, Kind.ID, Kind.EMAIL, Kind.SELECT})


class Choice(NamedTuple):
    """What can be chosen for a field."""

    options: Sequence[Option]
    needed: str | None
    """The message if nothing is chosen; None if no answer is needed."""
    alone: str | None = None
    """The value that excludes all others, like ‘none of these’."""


def _always(_answers: Answers) -> bool:
    return True


def _nothing(_answers: Answers) -> Sequence[Wrong]:
    return ()


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a form."""

    slug: str
    title: str
    asks: tuple[Field, ...]
    template: str = "forms/step.html"
    lead: tuple[str, ...] = ()
    """Sentences above the fields."""
    numbered: bool = True
    """Whether it is a question about what happened, and counts in ‘Question 3’."""
    listed: bool = True
    """Whether the last page lists the answer."""
    asked: Callable[[Answers], bool] = _always
    also_wrong: Callable[[Answers], Sequence[Wrong]] = _nothing
    """What else is wrong with the answers, besides what is wrong with single fields."""
    takes_files: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(field for ask in self.asks for field in ask.names)

    def asks_for(self, name: str) -> bool:
        """Return whether `name` is a field of the page, or a day or a moment that it asks for."""
        return name in self.fields or any(ask.name == name for ask in self.asks)

    @property
    def alone(self) -> Field | None:
        """The only question of the page, whose words are then the page's heading; a short text has no such words."""
        single = self.asks[0] if len(self.asks) == 1 else None
        return None if single is None or single.kind in _BENEATH_A_HEADING else single

    def with_hint(self, name: str, hint: str) -> "Step":
        """Return the page with another hint at its field `name`."""
        return replace(self, asks=tuple(replace(ask, hint=hint) if ask.name == name else ask for ask in self.asks))


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


def progress(steps: Steps, step: Step, answers: Answers) -> str | None:
    """Return `Question 3`, by what this person is asked; of how many depends on answers still to come."""
    numbered = [one for one in steps_for(steps, answers) if one.numbered]
    return f"Question {numbered.index(step) + 1}" if step in numbered else None


def label(choices: Choices, field: str, value: str) -> str:
    """Return the words of a choice."""
    return next((option.label for option in choices[field].options if option.value == value), value)
