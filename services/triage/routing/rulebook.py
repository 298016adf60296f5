"""Reads a rule book from YAML. A book with any mistake is refused as a whole, with rule, line and column."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.triage.routing.cel import ConditionRefused, Conditions
from services.triage.routing.domain import Also, Condition, Grade, Level, Rule, RuleBook, RuleState
from shared.events import platforms, vocabulary
from shared.events.vocabulary import UNRECOGNISED, Priority, ReportType, Team
from shared.policy import version

PACKAGED = Path(__file__).with_name("rulebook.yaml")
"""The book that Signpost comes with."""
WHOLE = "(the file)"
_BROKEN_YAML = (yaml.YAMLError, RecursionError, ValueError, AttributeError, TypeError)
"""What PyYAML raises for control characters, deep nesting, and values that look like dates or numbers but are not."""

_NOISE = " (in container '')"
"""What CEL adds to the name of an unknown fact."""

PartPath = tuple[str | int, ...]
"""Keys and indexes that lead to a part, outermost first."""


@dataclass(frozen=True, slots=True)
class RuleBookRefused(Exception):
    """A book cannot be used; the one in use stays. Line and column count from 1 within the file."""

    rule: str
    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"rule {self.rule}: line {self.line}, column {self.column}: {self.reason}"

    @property
    def sentence(self) -> str:
        """Where the mistake is and what it is, for a page or a terminal."""
        return f"{self._place}, line {self.line}, column {self.column}: {self.reason.removesuffix(_NOISE)}"

    @property
    def _place(self) -> str:
        """Where the mistake is: a rule or, in brackets, another part of the book or the whole book."""
        if self.rule == WHOLE:
            return "The file"
        return f"The part {self.rule[1:-1]}" if self.rule.startswith("(") else f"Rule {self.rule}"

    def line_in(self, text: str) -> str:
        """Return the line of `text` with the mistake, cut to at most 200 characters around it."""
        lines = text.splitlines()
        if not 1 <= self.line <= len(lines):
            return ""
        begin = max(self.column - 150, 0)
        return lines[self.line - 1][begin : begin + 200]


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, if this PyYAML has it: it takes a tenth of the time."""
_DEEPEST = 30


def _refuse_deep(text: str) -> None:
    """Refuse deep nesting. No book needs it, and the loader in C ends the process on it.

    Raises:
        RuleBookRefused: something is nested too deeply.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST and (mark := event.start_mark):
            raise RuleBookRefused(WHOLE, mark.line + 1, mark.column + 1, "it is nested too deeply")


class Places:
    """The text of a book as data, and where each part is in the text.

    Raises:
        RuleBookRefused: it is not YAML, is empty, or has a key twice.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        try:
            _refuse_deep(text)
            loader = _Loader(text)
            root = loader.get_single_node()
            self.data: object = loader.construct_document(root) if root else None
        except yaml.MarkedYAMLError as error:
            raise RuleBookRefused(WHOLE, *self._position(error.problem_mark), error.problem or "not YAML") from None
        if root is None:
            raise RuleBookRefused(WHOLE, 1, 1, "there is nothing in it")
        self._root = root
        self._refuse_repeated_names(root, (), set())

    def _position(self, mark: yaml.Mark | None) -> tuple[int, int]:
        """Return line and column of `mark`; the loader in C may point behind the last line."""
        if mark is None or not self._lines:
            return 1, 1
        if mark.line >= len(self._lines):
            return len(self._lines), len(self._lines[-1]) + 1
        return mark.line + 1, mark.column + 1

    def _refuse_repeated_names(self, node: yaml.Node, path: PartPath, seen: set[int]) -> None:
        """Refuse a repeated key, such as two `team:` in one rule: YAML would silently use the second."""
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            return
        seen.add(id(node))
        names: set[str] = set()
        for step, key, below in _parts(node):
            if key is not None and step in names:
                line, column = key.start_mark.line + 1, key.start_mark.column + 1
                raise RuleBookRefused(self._rule_at((*path, step)), line, column, f"says {step} twice")
            names.add(str(step))
            self._refuse_repeated_names(below, (*path, step), seen)

    def refusal_in_condition(self, refused: ConditionRefused, path: PartPath) -> RuleBookRefused:
        """Return the refusal of a condition, whose lines count from its own first line."""
        node = self._node(path)
        line, column = node.start_mark.line + 1, node.start_mark.column + refused.column
        if isinstance(node, yaml.ScalarNode) and node.style == "|":
            line += refused.line
            indent = min(len(text) - len(text.lstrip()) for text in self._lines[node.start_mark.line + 1 :][:1])
            column = indent + refused.column
        elif isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}:
            column += 1
        return RuleBookRefused(self._rule_at(path), line, column, refused.reason)

    def refusal(self, path: PartPath, reason: str) -> RuleBookRefused:
        """Return the refusal of the part at `path`."""
        mark = self._node(path).start_mark
        return RuleBookRefused(self._rule_at(path), mark.line + 1, mark.column + 1, reason)

    def _rule_at(self, path: PartPath) -> str:
        match path:
            case ("rules", int(index), *_):
                identifier = self._node(("rules", index, "id"))
                return str(identifier.value) if isinstance(identifier, yaml.ScalarNode) else f"number {index + 1}"
            case (part, *_):
                return f"({part})"
            case _:
                return WHOLE

    def _node(self, path: PartPath) -> yaml.Node:
        """Return the deepest node on `path` that exists."""
        node = self._root
        for step in path:
            below = _child(node, step)
            if below is None:
                break
            node = below
        return node


def _parts(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node | None, yaml.Node]]:
    """Yield the children of a node: key or index, the node of the key, and the node of the value."""
    if isinstance(node, yaml.SequenceNode):
        yield from ((index, None, below) for index, below in enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key, below) for key, below in node.value)


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Clause = Annotated[str, StringConstraints(pattern=r"^(P[12]|O[12]|S[1-9]|X[1-3]|Sc-[a-d]|R-[a-d]|C-[a-j]|D-[a-z]+)$")]


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
    policy: Text | None = None
    """Books named the version before the policy's own file did; it is not read."""
    impact: tuple[_Grade, ...]
    urgency: tuple[_Grade, ...]
    matrix: Mapping[Level, Mapping[Level, Priority]]
    rules: Annotated[tuple[_Rule, ...], Field(min_length=1)]


def load(path: Path) -> RuleBook:
    """Read and type-check the book at `path`.

    Raises:
        RuleBookRefused: it has a mistake; the error says where and what.
    """
    return parse(read_text(path))


def read_text(path: Path) -> str:
    """Return the text of a rule book.

    Raises:
        RuleBookRefused: the file does not exist, cannot be read, or is not in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RuleBookRefused(WHOLE, line, 1, "is not in UTF-8") from None
    except OSError as error:
        raise RuleBookRefused(WHOLE, 1, 1, f"cannot be read ({error.strerror})") from None


def parse(text: str) -> RuleBook:
    """Type-check the book in `text`.

    Raises:
        RuleBookRefused: it has a mistake; the error says where and what.
    """
    try:
        return _compiled(text, Places(text))
    except _BROKEN_YAML as error:
        raise RuleBookRefused(WHOLE, _line_of(error, text), 1, _reason(error)) from None


def _compiled(text: str, places: Places) -> RuleBook:
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
        policy=f"social-media-policy/{version()}",
        rules=tuple(_rule(rule, condition(rule.when, "rules", i, "when")) for i, rule in enumerate(book.rules)),
        impact=_scale(book.impact, "impact", condition),
        urgency=_scale(book.urgency, "urgency", condition),
        matrix={(i, u): priority for i, row in book.matrix.items() for u, priority in row.items()},
        bind=conditions.bind,
    )


def _rule(rule: _Rule, condition: Condition) -> Rule:
    also = tuple(Also(**dict(also)) for also in rule.also)
    return Rule(**{**dict(rule), "condition": condition, "also": also})


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


def _line_of(error: Exception, text: str) -> int:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.reader.ReaderError | UnicodeError):
        return "holds a character that YAML does not allow"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return "holds a date or a number that is none"
