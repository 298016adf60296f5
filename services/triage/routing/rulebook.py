"""Reads a rule book from YAML. A book with any mistake is refused whole, with rule, line and column."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.triage.routing.cel import ConditionRefused, Conditions
from services.triage.routing.domain import Also, Condition, Grade, Level, Rule, RuleBook, RuleState
from shared.events import platforms, vocabulary
from shared.events.vocabulary import UNRECOGNISED, Priority, ReportType, Team

PACKAGED = Path(__file__).with_name("rulebook.yaml")
"""The book that Signpost comes with."""

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Clause = Annotated[str, StringConstraints(pattern=r"^(P[12]|O[12]|S[1-9]|X[1-3]|Sc-[a-d]|R-[a-d]|C-[a-j]|D-[a-z]+)$")]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RuleBookRefused(Exception):
    """A book cannot be used; the running one stays. Line and column count from 1 within the file."""

    rule: str
    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"rule {self.rule}: line {self.line}, column {self.column}: {self.reason}"


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
    source = _Source(text)
    book = source.validated()
    source.refuse_repeated_ids(book)
    conditions = Conditions(_words())

    def condition(when: str, *path: str | int) -> Condition:
        try:
            return conditions.compile(when)
        except ConditionRefused as refused:
            raise source.refusal_in_condition(refused, path) from None

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


def _words() -> frozenset[str]:
    """Return every answer that a condition may compare a fact with."""
    enums = (kind for kind in vars(vocabulary).values() if isinstance(kind, type) and issubclass(kind, StrEnum))
    answers = (str(member) for kind in enums for member in kind.__members__.values())
    return frozenset((*answers, *platforms.PLATFORMS, UNRECOGNISED, ""))


class _Source:
    """The text of a book, and where in it each part stands."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            self._data = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise RuleBookRefused("(the file)", line, column, error.problem or "not YAML") from None
        if root is None:
            raise RuleBookRefused("(the file)", 1, 1, "there is nothing in it")
        self._root = root

    def validated(self) -> _Book:
        try:
            return _Book.model_validate(self._data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise self._refusal(first["loc"], first["msg"]) from None

    def refuse_repeated_ids(self, book: _Book) -> None:
        seen: set[str] = set()
        for index, rule in enumerate(book.rules):
            if rule.id in seen:
                raise self._refusal(("rules", index, "id"), "another rule has this id")
            seen.add(rule.id)
        if missing := {(i, u) for i in Level for u in Level if u not in book.matrix.get(i, {})}:
            impact, urgency = min(missing)
            raise self._refusal(("matrix",), f"no priority for impact {impact} and urgency {urgency}")

    def refusal_in_condition(self, refused: ConditionRefused, path: tuple[str | int, ...]) -> RuleBookRefused:
        node = self._node(path)
        line, column = node.start_mark.line + 1, node.start_mark.column + refused.column
        if isinstance(node, yaml.ScalarNode) and node.style == "|":
            line += refused.line
            indent = min(len(text) - len(text.lstrip()) for text in self._lines[node.start_mark.line + 1 :][:1])
            column = indent + refused.column
        elif isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}:
            column += 1
        return RuleBookRefused(self._rule_at(path), line, column, refused.reason)

    def _refusal(self, path: tuple[str | int, ...], reason: str) -> RuleBookRefused:
        mark = self._node(path).start_mark
        return RuleBookRefused(self._rule_at(path), mark.line + 1, mark.column + 1, reason)

    def _rule_at(self, path: tuple[str | int, ...]) -> str:
        match path:
            case ("rules", int(index), *_):
                identifier = self._node(("rules", index, "id"))
                return str(identifier.value) if isinstance(identifier, yaml.ScalarNode) else f"number {index + 1}"
            case (part, *_):
                return f"({part})"
            case _:
                return "(the file)"

    def _node(self, path: tuple[str | int, ...]) -> yaml.Node:
        """Return the deepest node on `path` that exists."""
        node = self._root
        for step in path:
            below = _child(node, step)
            if below is None:
                break
            node = below
        return node


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
