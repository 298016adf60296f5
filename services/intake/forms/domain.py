"""What was typed into a form so far, and what was sent: everything that is kept between requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

Answers = Mapping[str, tuple[str, ...]]
"""Field name → what was typed or chosen, as typed."""

LIFETIME = timedelta(hours=24)
"""Since the last answer (our choice: a shift can end between two questions)."""
SENT_LIFETIME = timedelta(hours=1)
"""How long the confirmation page can be opened again."""


class KnownBy(StrEnum):
    """How the manager is known."""

    ADDRESS = "address"
    SIGN_IN = "sign_in"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class SentReport:
    """What was sent: all that remains of a draft afterwards."""

    reference: str
    confidentiality: str
    manager_alert: str
    manager_known_by: KnownBy
    receipt_code: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    """Further data for the confirmation page."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers so far or, once sent, only what was sent."""

    answers: Answers = field(default_factory=dict, repr=False)
    done: frozenset[str] = frozenset()
    """Steps that were answered without an error."""
    sent: SentReport | None = None


def one(answers: Answers, name: str) -> str | None:
    """Return the first text of a field; None if it is empty."""
    return next(iter(answers.get(name, ())), None)
