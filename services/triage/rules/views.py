"""The book as a table, for the page and both exports: which rules are shown, and what each row says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Self, TypeVar
from urllib.parse import urlencode

from services.triage.deadlines.domain import UK
from services.triage.routing.domain import UNDECIDED, Rule, RuleBook, RuleState
from services.triage.rules.queries import Hits
from shared.events.vocabulary import Team

E = TypeVar("E", bound=StrEnum)

STATES: Mapping[RuleState, str] = {
    RuleState.LIVE: "Live",
    RuleState.SHADOW: "Shadow",
    RuleState.DRAFT: "Draft",
    RuleState.RETIRED: "Retired",
}
STATE_COLOURS: Mapping[RuleState, str] = {
    RuleState.LIVE: "govuk-tag--green",
    RuleState.SHADOW: "govuk-tag--purple",
    RuleState.DRAFT: "govuk-tag--yellow",
    RuleState.RETIRED: "govuk-tag--grey",
}


def rule_name(rule: str) -> str:
    """Return a rule's id, or words for decisions that no rule made."""
    return "no rule" if rule == UNDECIDED else rule


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules to show, from the URL."""

    team: Team | None = None
    clause: str | None = None
    state: RuleState | None = None

    @classmethod
    def read(cls, parameters: Mapping[str, str], book: RuleBook) -> Self:
        """Read a URL's parameters; ignore those that make no sense."""
        clause = parameters.get("clause")
        return cls(
            team=_member(Team, parameters.get("team")),
            clause=clause if any(clause in _clauses(rule) for rule in book.rules) else None,
            state=_member(RuleState, parameters.get("state")),
        )

    def query(self, **changes: object) -> str:
        """Return the URL query of this filter with `changes`, including `?`; empty if all rules are shown."""
        wanted = replace(self, **changes)  # type: ignore[arg-type] # replace checks the names
        chosen = {"team": wanted.team, "clause": wanted.clause, "state": wanted.state}
        query = urlencode({name: str(value) for name, value in chosen.items() if value})
        return f"?{query}" if query else ""

    def lets_through(self, rule: Rule) -> bool:
        """Return whether `rule` passes the filter; a linked case counts with its team and its clause."""
        return (
            (self.team is None or self.team in {rule.team, *(also.team for also in rule.also)})
            and (self.clause is None or self.clause in _clauses(rule))
            and (self.state is None or self.state is rule.state)
        )


@dataclass(frozen=True)
class Line:
    """One row: a rule and what it did."""

    position: int
    rule: Rule
    in_force: bool
    """Whether today lies within the rule's dates."""
    hits: int
    """Reports of the last 30 days that it decided; for a shadow rule, those it would have matched."""
    moved: int
    """Those of their cases that people then moved to another team."""
    failed: int
    """Reports for which a shadow rule failed to give yes or no."""


def lines(book: RuleBook, wanted: RuleFilter, counted: Hits, now: datetime) -> list[Line]:
    """Return the rules that pass the filter, in the order of the book, with what they did."""
    today = now.astimezone(UK).date()
    return [line for line in _all(book, counted, today) if wanted.lets_through(line.rule)]


def clauses(book: RuleBook) -> list[str]:
    """Return every clause that a rule of the book cites."""
    return sorted({clause for rule in book.rules for clause in _clauses(rule)})


def _all(book: RuleBook, counted: Hits, today: date) -> Iterator[Line]:
    for position, rule in enumerate(book.rules, start=1):
        shadow = rule.state is RuleState.SHADOW
        yield Line(
            position=position,
            rule=rule,
            in_force=rule.in_force(today),
            hits=(counted.caught if shadow else counted.decided).get(rule.id, 0),
            moved=counted.moved.get(rule.id, 0),
            failed=counted.caught.get(f"{rule.id} (failed)", 0),
        )


def _clauses(rule: Rule) -> set[str]:
    return {rule.clause, *(also.clause for also in rule.also)}


def _member(kind: type[E], text: str | None) -> E | None:
    return next((member for member in kind if member == text), None)
