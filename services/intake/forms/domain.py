"""What was typed into a form so far, and what was sent: all that is kept between two requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

Answers = Mapping[str, tuple[str, ...]]
"""Field name → what was typed or chosen, as typed."""

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


def one(answers: Answers, name: str) -> str | None:
    """Return the first text of a field; None where it is empty."""
    return next(iter(answers.get(name, ())), None)
