"""What a form is: its questions, and what its answers become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.intake.drafts.domain import Answers
from services.intake.questions.domain import Choices, Step, Steps
from services.intake.reports.domain import Report
from shared.auth.permissions import Permission
from shared.auth.principal import Principal

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
    """What whoever signs in for it has to have."""
    exits: bool = False
    """Whether its pages can be left at once: somebody may be watching."""
    to_other: Mapping[str, Callable[[Answers], Answers]] = field(default_factory=dict)
    """Name of another form that these answers may belong to → what they say in that form's own fields."""
    understands: frozenset[str] = frozenset()
    """Fields that `to_command` reads though no page of this form asks for them."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Part of a report → this form's field for it, where it is not the usual one."""
    notes: Callable[[Report], tuple[str, ...]] = _nothing
    """What the confirmation has to know."""

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
