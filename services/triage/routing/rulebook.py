"""Reads a rule book from YAML. A book with any mistake is refused whole, with rule, line and column."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from services.triage.routing.cel import ConditionRefused, Conditions
from services.triage.routing.domain import Also, Condition, Grade, Level, Rule, RuleBook, RuleState
from services.triage.routing.places import Places, RuleBookRefused
from shared.events import platforms, vocabulary
from shared.events.vocabulary import UNRECOGNISED, Priority, ReportType, Team

__all__ = ["PACKAGED", "RuleBookRefused", "load", "parse"]

PACKAGED = Path(__file__).with_name("rulebook.yaml")
"""The book that Signpost comes with."""

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Clause = Annotated[str, StringConstraints(pattern=r"^(P[12]|O[12]|S[1-9]|X[1-3]|Sc-[a-d]|R-[a-d]|C-[a-j]|D-[a-z]+)$")]
T = TypeVar("T")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Grade(_Part):
    level: Level
    when: Text
    because: Text


class _Also(_Part):
    team: Team
    clause: Clause
    sentence: Text
    report_type: ReportType | None = None
    misdirected: bool = False


class _Rule(_Part):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,60}$")]
    clause: Clause
    state: RuleState
    when: Text
    team: Team
    category: Text
    sentence: Text
    priority: Priority | None = None
    also: tuple[_Also, ...] = ()
    misdirected: bool = False
    restricted: bool = False
    alone: bool = False
    report_type: ReportType | None = None
    starts: date | None = None
    ends: date | None = None

    @field_validator("ends")
    @classmethod
    def _ends_after_it_starts(cls, ends: date | None, info: ValidationInfo) -> date | None:
        starts = info.data.get("starts")
        if starts and ends and ends < starts:
            raise PydanticCustomError("signpost_dates", "ends before it starts")
        return ends


class _Book(_Part):
    policy: Text
    impact: tuple[_Grade, ...]
    urgency: tuple[_Grade, ...]
    matrix: Mapping[Level, Mapping[Level, Priority]]
    rules: Annotated[tuple[_Rule, ...], Field(min_length=1)]


def load(path: Path) -> RuleBook:
    """Read and type-check the book at `path`.

    Raises:
        RuleBookRefused: says where and why.
        OSError: the file cannot be read.
    """
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> RuleBook:
    """Type-check the book in `text`.

    Raises:
        RuleBookRefused: says where and why.
    """
    places = Places(text)
    book = _validated(places)
    _refuse_what_does_not_add_up(book, places)
    conditions = Conditions(words())

    def condition(when: str, *path: str | int) -> Condition:
        try:
            return conditions.compile(when)
        except ConditionRefused as refused:
            raise places.refusal_in_condition(refused, path) from None

    return RuleBook(
        digest=hashlib.sha256(text.encode()).hexdigest(),
        policy=book.policy,
        rules=tuple(_rule(rule, condition(rule.when, "rules", i, "when")) for i, rule in enumerate(book.rules)),
        impact=_scale(book.impact, "impact", condition),
        urgency=_scale(book.urgency, "urgency", condition),
        matrix={(i, u): priority for i, row in book.matrix.items() for u, priority in row.items()},
        bind=conditions.bind,
    )


def _rule(rule: _Rule, condition: Condition) -> Rule:
    return Rule(
        id=rule.id,
        clause=rule.clause,
        state=rule.state,
        condition=condition,
        team=rule.team,
        category=rule.category,
        sentence=rule.sentence,
        priority=rule.priority,
        also=tuple(Also(**dict(also)) for also in rule.also),
        misdirected=rule.misdirected,
        restricted=rule.restricted,
        alone=rule.alone,
        report_type=rule.report_type,
        when=rule.when,
        starts=rule.starts,
        ends=rule.ends,
    )


def _scale(grades: tuple[_Grade, ...], name: str, condition: Callable[..., Condition]) -> tuple[Grade, ...]:
    return tuple(Grade(grade.level, condition(grade.when, name, i, "when")) for i, grade in enumerate(grades))


def words() -> frozenset[str]:
    """Return every answer that a condition may compare a fact with."""
    enums = (kind for kind in vars(vocabulary).values() if isinstance(kind, type) and issubclass(kind, StrEnum))
    answers = (str(member) for kind in enums for member in kind.__members__.values())
    return frozenset((*answers, *platforms.PLATFORMS, UNRECOGNISED, ""))


def _validated(places: Places) -> _Book:
    try:
        return _Book.model_validate(places.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise places.refusal(first["loc"], first["msg"]) from None


def _refuse_what_does_not_add_up(book: _Book, places: Places) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(book.rules):
        if rule.id in seen:
            raise places.refusal(("rules", index, "id"), "another rule has this id")
        seen.add(rule.id)
    if missing := {(i, u) for i in Level for u in Level if u not in book.matrix.get(i, {})}:
        impact, urgency = min(missing)
        raise places.refusal(("matrix",), f"no priority for impact {impact} and urgency {urgency}")
