"""What a draft holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

LIFETIME = timedelta(hours=24)
"""Since the last answer (our choice: a shift can end between two questions)."""
OUTCOME_LIFETIME = timedelta(hours=1)
"""How long the page that confirms a report can be looked at again."""

Answers = Mapping[str, tuple[str, ...]]
"""Field name → what was typed or chosen, as typed."""


class KnownBy(StrEnum):
    """What says who the manager is."""

    ADDRESS = "address"
    SIGN_IN = "sign_in"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was sent: all that is left of a draft after that."""

    reference: str
    confidentiality: str
    manager_alert: str
    manager_known_by: KnownBy
    receipt_code: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    """What the confirmation has to know beside that."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Answers so far; or, once sent, the outcome alone."""

    answers: Answers = field(default_factory=dict, repr=False)
    done: frozenset[str] = frozenset()
    """Steps that were answered without an error."""
    outcome: Outcome | None = None
