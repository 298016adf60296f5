"""Where a report goes: typed facts, rules as data, one pure decision (design: domain, section 3)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from shared.events.vocabulary import Priority, Team


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask about a report: classification only, never what somebody wrote.

    A value that this version does not know is `unrecognised`; an answer not given is an empty text.
    """

    form: str
    """Which form it came by: a `ReportType`."""
    report_type: str
    """What it is, by its answers: a `ReportType`. Differs from `form` where the form was the wrong one."""
    found_by: str
    reporter: str
    """How the reporter wants to be known: a `Confidentiality`."""
    reporter_kind: str = ""
    platform: str = ""
    content_kind: str = ""
    content_state: str = ""
    behaviours: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    """How each person affected relates to the reporter and the department: `Relation`s."""
    suspected: tuple[str, ...] = ()
    also_affects: tuple[str, ...] = ()
    manager_alert: str = ""
    account_classes: tuple[str, ...] = ()
    """Classes of the registered accounts that the report names, from the projection of the register."""
    account_statuses: tuple[str, ...] = ()
    earlier_reports: int = 0
    """Reports of the last 30 days that name one of the same accounts, counted up to 10."""

    def to_json(self) -> dict[str, object]:
        """Return the facts as they are stored with a decision."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


Bound = object
"""Facts made ready for conditions, once a report."""

Condition = Callable[[Bound], bool]
"""Whether a condition holds. Raises ConditionFailed where it gives anything but true or false."""


class ConditionFailed(Exception):
    """A condition gave neither true nor false; the message is the engine's reason, free of anybody's words."""


class RuleState(StrEnum):
    """Where a rule is in its life. Only `live` rules decide; `shadow` rules are recorded beside the decision."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"
    RETIRED = "retired"


class Level(StrEnum):
    """A step on the scales of impact and urgency."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Also:
    """A linked case that a rule opens for a second team, and the clause that asks for it."""

    team: Team
    clause: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the book."""

    id: str
    clause: str
    state: RuleState
    condition: Condition
    team: Team
    category: str
    sentence: str
    """What a reporter reads."""
    priority: Priority | None = None
    """Set where the rule fixes it; otherwise impact × urgency decide."""
    also: tuple[Also, ...] = ()
    misdirected: bool = False
    restricted: bool = False
    starts: date | None = None
    ends: date | None = None

    def in_force(self, on: date) -> bool:
        """Return whether `on` lies within the rule's dates, both inclusive."""
        return (self.starts is None or self.starts <= on) and (self.ends is None or on <= self.ends)


@dataclass(frozen=True, slots=True)
class Grade:
    """A step that a report reaches on a scale when its condition holds."""

    level: Level
    condition: Condition


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A whole loaded book. `digest` is the SHA-256 of its text, stored with every decision."""

    digest: str
    policy: str
    """Which text of the policy the rules were written from (R-a)."""
    rules: tuple[Rule, ...]
    impact: tuple[Grade, ...]
    urgency: tuple[Grade, ...]
    matrix: Mapping[tuple[Level, Level], Priority]
    bind: Callable[[Facts], Bound]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where one case goes and everything needed to say why."""

    team: Team
    rule: str
    clause: str
    priority: Priority
    category: str
    sentence: str
    misdirected: bool
    restricted: bool
    also: tuple[Also, ...]
    matched: tuple[str, ...]
    shadow: tuple[str, ...]
    facts: Facts
    rulebook: str
    policy: str
    problem: str | None = None
    """Why the engine, not a rule, sent it to the triage desk."""


UNDECIDED = "undecided"
"""The rule name of a decision that no rule could make."""
UNDECIDED_CLAUSE = "S3"
UNDECIDED_PRIORITY = Priority.P2
"""A report nobody could grade is not left until tomorrow."""
UNDECIDED_SENTENCE = "The rules could not place your report, so a person on the triage desk reads it and decides."


def decide(facts: Facts, book: RuleBook, on: date) -> Decision:
    """Choose the team for a report. The first live rule that matches decides; never fails, never drops.

    Args:
        facts: what the report says, as classification.
        book: the rules.
        on: the day whose rules apply, in UK local time.
    """
    bound = book.bind(facts)
    try:
        matched = [rule for rule in _candidates(book, RuleState.LIVE, on) if rule.condition(bound)]
        if not matched:
            return _undecided(facts, book, "no rule matched")
        priority = matched[0].priority or _priority(book, bound)
    except ConditionFailed as failure:
        return _undecided(facts, book, str(failure))
    return _decided(facts, book, matched, priority, _shadow(book, bound, on))


def _decided(
    facts: Facts, book: RuleBook, matched: list[Rule], priority: Priority, shadow: tuple[str, ...]
) -> Decision:
    first = matched[0]
    return Decision(
        team=first.team,
        rule=first.id,
        clause=first.clause,
        priority=priority,
        category=first.category,
        sentence=first.sentence,
        misdirected=first.misdirected,
        restricted=first.restricted,
        also=tuple(_once(also for rule in matched for also in rule.also if also.team != first.team)),
        matched=tuple(rule.id for rule in matched),
        shadow=shadow,
        facts=facts,
        rulebook=book.digest,
        policy=book.policy,
    )


def _undecided(facts: Facts, book: RuleBook, problem: str) -> Decision:
    return Decision(
        team=Team.TRIAGE_DESK,
        rule=UNDECIDED,
        clause=UNDECIDED_CLAUSE,
        priority=UNDECIDED_PRIORITY,
        category=UNDECIDED,
        sentence=UNDECIDED_SENTENCE,
        misdirected=False,
        restricted=False,
        also=(),
        matched=(),
        shadow=(),
        facts=facts,
        rulebook=book.digest,
        policy=book.policy,
        problem=problem,
    )


def _candidates(book: RuleBook, state: RuleState, on: date) -> Iterator[Rule]:
    return (rule for rule in book.rules if rule.state is state and rule.in_force(on))


def _shadow(book: RuleBook, bound: Bound, on: date) -> tuple[str, ...]:
    """Name the shadow rules that would have matched; one that fails is no reason to hold a report up."""
    names = []
    for rule in _candidates(book, RuleState.SHADOW, on):
        try:
            if rule.condition(bound):
                names.append(rule.id)
        except ConditionFailed:
            names.append(f"{rule.id} (failed)")
    return tuple(names)


def _priority(book: RuleBook, bound: Bound) -> Priority:
    return book.matrix[_level(book.impact, bound), _level(book.urgency, bound)]


def _level(scale: Iterable[Grade], bound: Bound) -> Level:
    return next((grade.level for grade in scale if grade.condition(bound)), Level.MEDIUM)


def _once(alsos: Iterable[Also]) -> list[Also]:
    """Keep the first wish for each team: one linked case a team."""
    by_team: dict[Team, Also] = {}
    for also in alsos:
        by_team.setdefault(also.team, also)
    return list(by_team.values())
