"""What a candidate rule book would have changed: past decisions compared with its own."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import get_origin

from services.triage.routing.domain import Decision, Facts, RuleBook, decide

Difference = tuple[str, str]
"""What it was, and what it would be."""

_KINDS: Mapping[str, object] = {one.name: one.type for one in fields(Facts)}

EXAMPLES = 3
"""Example references for each change of rule, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was decided about one report, and what people then did."""

    reference: str | None
    """None if the person who asks may not see it."""
    decided_on: date
    rule: str
    team: str
    priority: str
    misdirected: bool
    restricted: bool
    also: frozenset[str]
    """Teams for which the decision opened linked cases."""
    team_now: str
    """Who has the case now, after every transfer."""
    facts: Facts


@dataclass(frozen=True, slots=True)
class Comparison:
    """One past decision compared with the candidate's."""

    past: Past
    rule: str
    team: str
    priority: str
    misdirected: bool
    restricted: bool
    also: frozenset[str]
    shadow: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything would have been different."""
        was = self.past
        before = (was.rule, was.team, was.priority, was.misdirected, was.restricted, was.also)
        return before != (self.rule, self.team, self.priority, self.misdirected, self.restricted, self.also)


@dataclass(frozen=True, slots=True)
class Window:
    """Which decisions are replayed: from `since` to before `until`, the newest `at_most` of them."""

    since: datetime
    until: datetime
    at_most: int | None = None


def facts_of_old(stored: Mapping[str, object]) -> Facts:
    """Return the facts stored with a decision, also by an older version.

    Facts that it did not store are empty. Facts that we no longer use are left out, and so are values of another type
    than today's. If form or nature was not stored, the other one stands in for it.
    """
    known = {name: _plain(stored[name]) for name in _KINDS if name in stored}
    fitting = {name: value for name, value in known.items() if _fits(name, value)}
    form, nature = fitting.get("form"), fitting.get("report_type")
    needed = {"form": form or nature or "", "report_type": nature or form or "", "found_by": "", "reporter": ""}
    return Facts(**{**needed, **fitting})  # type: ignore[arg-type] # checked by `_fits`


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _fits(name: str, value: object) -> bool:
    kind = _KINDS[name]
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    return type(value) is kind


def compare(past: Past, book: RuleBook) -> Comparison:
    """Decide again with `book`, by the rules in force on the day of the first decision."""
    decision = decide(past.facts, book, past.decided_on)
    return Comparison(
        past=past,
        rule=decision.rule,
        team=str(decision.team),
        priority=str(decision.priority),
        misdirected=decision.misdirected,
        restricted=decision.restricted,
        also=_linked_teams(decision),
        shadow=decision.shadow,
    )


def _linked_teams(decision: Decision) -> frozenset[str]:
    return frozenset(str(also.team) for also in decision.also)


@dataclass(slots=True)
class Backtest:
    """What a candidate would have changed, added up decision by decision."""

    most_examples: int = EXAMPLES
    complete: bool = False
    """Whether everything asked for was replayed; False while it runs, and if it was interrupted or cut short."""
    replayed: int = 0
    differing: int = 0
    rules: Counter[Difference] = field(default_factory=Counter)
    teams: Counter[Difference] = field(default_factory=Counter)
    priorities: Counter[Difference] = field(default_factory=Counter)
    opened_also: Counter[str] = field(default_factory=Counter)
    not_opened_also: Counter[str] = field(default_factory=Counter)
    newly_misdirected: int = 0
    no_longer_misdirected: int = 0
    newly_restricted: int = 0
    no_longer_restricted: int = 0
    moved: int = 0
    """Cases that people moved to another team than the one decided."""
    would_have_gone_there: int = 0
    """Those of them that the candidate would have sent where people moved them."""
    would_no_longer_go_there: int = 0
    """Cases that people left with the team decided, which the candidate would have sent elsewhere."""
    shadow: Counter[str] = field(default_factory=Counter)
    """What the candidate's shadow rules would have caught."""
    examples: dict[Difference, list[str]] = field(default_factory=dict)

    def add(self, comparisons: Iterable[Comparison]) -> None:
        """Count a batch."""
        for one in comparisons:
            self.replayed += 1
            self.shadow.update(one.shadow)
            self._count_what_people_did(one)
            if one.differs:
                self._count_difference(one)

    def _count_difference(self, one: Comparison) -> None:
        was, change = one.past, (one.past.rule, one.rule)
        self.differing += 1
        self.rules[change] += 1
        self._remember(change, was.reference)
        if was.team != one.team:
            self.teams[was.team, one.team] += 1
        if was.priority != one.priority:
            self.priorities[was.priority, one.priority] += 1
        self.opened_also.update(one.also - was.also)
        self.not_opened_also.update(was.also - one.also)
        self.newly_misdirected += one.misdirected > was.misdirected
        self.no_longer_misdirected += one.misdirected < was.misdirected
        self.newly_restricted += one.restricted > was.restricted
        self.no_longer_restricted += one.restricted < was.restricted

    def _count_what_people_did(self, one: Comparison) -> None:
        was = one.past
        if was.team_now != was.team:
            self.moved += 1
            self.would_have_gone_there += one.team == was.team_now
        else:
            self.would_no_longer_go_there += one.team != was.team

    def _remember(self, change: Difference, reference: str | None) -> None:
        named = self.examples.setdefault(change, [])
        if reference and len(named) < self.most_examples:
            named.append(reference)
