"""The clauses of the social media policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class State(StrEnum):
    """Whether Signpost serves a clause yet."""

    BUILT = "built"
    PLANNED = "planned"


PARTS = {
    "P": "Purpose",
    "O": "Overview",
    "Sc": "Scope",
    "D": "Definitions",
    "S": "Policy statements",
    "R": "Accountabilities and responsibilities",
    "C": "Compliance",
    "X": "Advice and further reading",
}
"""The policy's own parts by the letters that clause ids begin with."""

IDS = (
    *("P1", "P2", "O1", "O2"),
    *(f"Sc-{letter}" for letter in "abcd"),
    *(f"D-{account}" for account in ("official", "pia", "linkedin", "personal")),
    *(f"D-{behaviour}" for behaviour in ("trolling", "cyberstalking", "cyberbullying", "doxing")),
    *(f"S{number}" for number in range(1, 10)),
    *(f"R-{letter}" for letter in "abcd"),
    *(f"C-{letter}" for letter in "abcdefghij"),
    *("X1", "X2", "X3"),
)
"""Every clause, in the order of the published text."""


class InvalidClauses(Exception):
    """The clause table is incomplete or malformed; the message says where."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: what it asks, in our own words, and how Signpost serves it."""

    id: str
    title: str
    paraphrase: str
    serves: str
    where: tuple[str, ...]
    """`service/capability`."""
    state: State
    choice: str | None = None
    """What the clause leaves open and Signpost decided."""
    progress: str | None = None

    @property
    def part(self) -> str:
        """The part of the policy that the clause stands in."""
        return PARTS[self.id.rstrip("0123456789").partition("-")[0]]


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the published text and its clauses."""

    title: str
    updated: date
    owner: str
    kept_by: str
    review_by: date
    """The last day on which the next review of the text is in time."""
    clauses: tuple[Clause, ...]

    def is_overdue(self, today: date) -> bool:
        """Return whether the review of the text is overdue."""
        return today > self.review_by

    def in_state(self, state: State | None) -> tuple[Clause, ...]:
        """Return the clauses in `state`, or all of them."""
        return tuple(clause for clause in self.clauses if state in (None, clause.state))


def complete(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """Return `clauses` if they are every clause once, in the order of the text.

    Raises:
        InvalidClauses: one is missing, unknown, repeated or out of place.
    """
    found = tuple(clause.id for clause in clauses)
    if found == IDS:
        return tuple(clauses)
    missing, unknown = sorted(set(IDS) - set(found)), sorted(set(found) - set(IDS))
    message = f"clauses missing: {missing}, unknown: {unknown}; each must be there once, in the order of the text"
    raise InvalidClauses(message)


def by_part(clauses: Sequence[Clause]) -> dict[str, list[Clause]]:
    """Group `clauses` by the part of the policy that they stand in."""
    parts: dict[str, list[Clause]] = {}
    for clause in clauses:
        parts.setdefault(clause.part, []).append(clause)
    return parts
