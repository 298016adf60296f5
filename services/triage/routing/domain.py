"""Where a report goes: typed facts, rules as data, one pure decision."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Protocol

from services.triage.accounts.domain import Account
from services.triage.reports.domain import CodedAnswers, TriageReport
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import UNRECOGNISED, Priority, ReportType, Team


@dataclass(frozen=True, kw_only=True)
class Facts(CodedAnswers):
    """What rules may ask about a report: classification only, never what a person wrote."""

    report_type: str
    """What it is, by its answers: a `ReportType`. Differs from `form` if the reporter used the wrong form."""
    reporter: str
    """How the reporter wants to be known: a `Confidentiality`."""
    affected: tuple[str, ...] = ()
    """How each person affected relates to the reporter and the department: `Relation`s."""
    suspected: tuple[str, ...] = ()
    people_affected: int = 0
    account_classes: tuple[str, ...] = ()
    """Classes of the registered accounts that the report names."""
    account_statuses: tuple[str, ...] = ()
    earlier_reports: int = 0
    """Reports of the last 30 days that name one of the same accounts; at most 10."""
    sanctioned: bool = False
    """Whether the report names an account that is registered as the department's."""
    repeats: int = 0
    """Earlier reports of misuse by the same person; at most 10."""
    incident_known: bool = False
    """Whether the reference of the unreported incident is one that we know."""

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Facts":
        """Return stored facts, also those of an older version; facts that it did not have are empty."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        plain = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
        return cls(**plain)  # type: ignore[arg-type] # stored by `to_json`

    def to_json(self) -> dict[str, object]:
        """Return the facts in the form stored with a decision."""
        return dict(vars(self))


class Bound(Protocol):
    """Facts prepared for the conditions of one book, once per report."""

    def holds(self, condition: int) -> bool:
        """Return whether the condition with that number holds.

        Raises:
            ConditionFailed: its result is not true or false.
        """
        ...


Condition = Callable[[Bound], bool]
"""Whether a condition holds. Raises ConditionFailed if its result is not true or false."""


class ConditionFailed(Exception):
    """A condition gave neither true nor false; the message is the engine's reason, without anything a person wrote."""


class RuleState(StrEnum):
    """The state of a rule. Only `live` rules decide; matches of `shadow` rules are recorded with the decision."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"
    RETIRED = "retired"


class Level(StrEnum):
    """A level on the scales of impact and urgency."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Also:
    """A linked case that a rule opens for a second team, and the clause that asks for it."""

    team: Team
    clause: str
    sentence: str
    report_type: ReportType | None = None
    """The type of the linked case, if it differs from the first one's."""
    misdirected: bool = False
    """Whether that part came by the wrong form."""
    rule: str = ""
    """The rule that opens it."""


@dataclass(frozen=True)
class Rule:
    """One rule of the book."""

    id: str
    clause: str
    state: RuleState
    condition: Condition
    team: Team
    category: str
    sentence: str
    """The explanation that a reporter reads."""
    priority: Priority | None = None
    """Set if the rule fixes it; otherwise impact × urgency decide."""
    also: tuple[Also, ...] = ()
    misdirected: bool = False
    restricted: bool = False
    alone: bool = False
    """Whether no case is linked, neither by another rule nor by its own `also`."""
    report_type: ReportType | None = None
    """The type of the case, if it differs from the report's nature."""
    when: str = ""
    """The condition's text, for people who read the book."""
    starts: date | None = None
    ends: date | None = None

    def in_force(self, on: date) -> bool:
        """Return whether `on` lies within the rule's dates, both inclusive."""
        return (self.starts is None or self.starts <= on) and (self.ends is None or on <= self.ends)


@dataclass(frozen=True, slots=True)
class Grade:
    """The level of a report on a scale if the condition holds."""

    level: Level
    condition: Condition


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A loaded rule book. `digest` is the SHA-256 of its text, stored with every decision."""

    digest: str
    policy: str
    """The version of the policy that was in force when the book was loaded (R-a)."""
    rules: tuple[Rule, ...]
    impact: tuple[Grade, ...]
    urgency: tuple[Grade, ...]
    matrix: Mapping[tuple[Level, Level], Priority]
    bind: Callable[[Facts], Bound]


@dataclass(frozen=True)
class Decision:
    """Where one case goes, and everything needed to explain why."""

    team: Team
    rule: str
    clause: str
    priority: Priority
    category: str
    sentence: str
    report_type: str
    """What the case is: a `ReportType`."""
    misdirected: bool
    restricted: bool
    also: tuple[Also, ...]
    matched: tuple[str, ...]
    shadow: tuple[str, ...]
    facts: Facts
    rulebook: str
    policy: str
    problem: str | None = None
    """Why the engine, and not a rule, sent it to the triage desk."""

    def of_linked(self, also: Also) -> "Decision":
        """Return the decision for a linked case: this one, with what `also` says instead; misuse is restricted."""
        report_type = also.report_type or self.report_type
        return replace(
            self,
            team=also.team,
            rule=also.rule or self.rule,
            clause=also.clause,
            sentence=also.sentence,
            report_type=report_type,
            misdirected=also.misdirected,
            restricted=self.restricted or report_type == ReportType.MISUSE,
        )


UNDECIDED = "undecided"
"""The rule name of a decision that no rule made."""
_NO_RULE = Rule(
    id=UNDECIDED,
    clause="S3",
    state=RuleState.LIVE,
    condition=lambda _bound: True,
    team=Team.TRIAGE_DESK,
    category=UNDECIDED,
    sentence="The rules could not place the report, so a person on the triage desk reads it and decides.",
    priority=Priority.P2,  # an ungraded report must not wait until tomorrow
)


def decide(facts: Facts, book: RuleBook, on: date) -> Decision:
    """Choose the team for a report. The first live rule that matches decides.

    All live rules are evaluated, because later ones may open linked cases. If one of them cannot be evaluated, the
    report goes to the triage desk, with the reason.

    Args:
        facts: the report's classification.
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
    report_type = first.report_type or facts.report_type
    return Decision(
        team=first.team,
        rule=first.id,
        clause=first.clause,
        priority=priority,
        category=first.category,
        sentence=first.sentence,
        report_type=report_type,
        misdirected=first.misdirected,
        restricted=first.restricted or report_type == ReportType.MISUSE,
        also=() if first.alone else _alsos(matched),
        matched=tuple(rule.id for rule in matched),
        shadow=shadow,
        facts=facts,
        rulebook=book.digest,
        policy=book.policy,
    )


def _undecided(facts: Facts, book: RuleBook, problem: str) -> Decision:
    made = _decided(facts, book, [_NO_RULE], _NO_RULE.priority or Priority.P2, ())
    return replace(made, matched=(), problem=problem)


def _candidates(book: RuleBook, state: RuleState, on: date) -> Iterator[Rule]:
    return (rule for rule in book.rules if rule.state is state and rule.in_force(on))


def _shadow(book: RuleBook, bound: Bound, on: date) -> tuple[str, ...]:
    """Name the shadow rules that would have matched; a rule that fails must not hold up the report."""
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


def _alsos(matched: Sequence[Rule]) -> tuple[Also, ...]:
    """Return the first linked case asked for each other team: one per team."""
    by_team: dict[Team, Also] = {}
    for rule in matched:
        for also in rule.also:
            by_team.setdefault(also.team, replace(also, rule=rule.id))
    by_team.pop(matched[0].team, None)
    return tuple(by_team.values())


@dataclass(frozen=True, slots=True)
class History:
    """What is known besides the report itself.

    Args:
        accounts: the registered accounts that it names.
        earlier_reports: how often one of the accounts that it names was reported recently.
        repeats: how often misuse by the same person was reported.
        incident_known: whether the incident that it refers to is known.
    """

    accounts: Sequence[Account] = ()
    earlier_reports: int = 0
    repeats: int = 0
    incident_known: bool = False


def facts_of(report: TriageReport, history: History) -> Facts:
    """Return the facts of a report, whichever form it came by."""
    beside: dict[str, object] = {
        "report_type": report.nature,
        "reporter": report.confidentiality,
        "platform": _platform(report.platform),
        "affected": tuple(person.relation for person in report.affected),
        "suspected": tuple(person.relation for person in report.suspected),
        "people_affected": min(report.people_affected or 0, _MOST_PEOPLE),
        "account_classes": tuple(sorted({account.account_class for account in history.accounts})),
        "account_statuses": tuple(sorted({account.status for account in history.accounts})),
        "earlier_reports": history.earlier_reports,
        "sanctioned": any(account.sanctioned for account in history.accounts),
        "repeats": history.repeats,
        "incident_known": history.incident_known,
    }
    return Facts(**{**report.coded(), **beside})  # type: ignore[arg-type]  # by name, from the base class of both


_MOST_PEOPLE = 1_000_000_000
"""A larger number adds nothing, and CEL's integers are limited."""


def _platform(platform: str) -> str:
    return platform if platform in PLATFORMS or not platform else UNRECOGNISED
