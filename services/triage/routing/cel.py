"""CEL conditions of rules: type-checked when the book is loaded; evaluation must give a real boolean."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property

from cel_expr_python import cel

from services.triage.routing.domain import Bound, Condition, ConditionFailed, Facts

_TYPES: Mapping[object, cel.Type] = {
    str: cel.Type.STRING,
    int: cel.Type.INT,
    bool: cel.Type.BOOL,
    tuple[str, ...]: cel.Type.List(cel.Type.STRING),
}
_AT_A_TIME = 50
_PLACE = re.compile(r"<input>:(?P<line>\d+):(?P<column>\d+): (?P<reason>[^\n]*)")
_QUOTED = re.compile(r"""(?P<quote>['"])(?P<word>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConditionRefused(Exception):
    """A condition does not type-check. Line and column count from 1 within the condition."""

    line: int
    column: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """Prepared facts, and the results of the book's conditions for them."""

    activation: cel.Activation
    answers: str
    """A letter for each condition, by its number: `1` if it holds, `0` if not, `?` if it must be evaluated alone."""
    expressions: Sequence[cel.Expression]

    def holds(self, condition: int) -> bool:
        answer = self.answers[condition]
        return _evaluated(self.expressions[condition], self.activation) if answer == "?" else answer == "1"


class Conditions:
    """Compiles conditions over `Facts` and prepares facts for them.

    Many conditions are evaluated as one expression that gives a letter for each (decision 0026). If that fails, each
    condition that matters is evaluated alone, so that the error names the faulty one.

    Args:
        words: every text that a condition may compare with, so that a misspelt answer is refused like any typo.
    """

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words
        self._environment = cel.NewEnv(variables={field.name: _TYPES[field.type] for field in fields(Facts)})
        self._sources: list[str] = []
        self._expressions: list[cel.Expression] = []

    def compile(self, source: str) -> Condition:
        """Return `source` as a condition.

        Raises:
            ConditionRefused: it is not CEL, names an unknown fact or word, mixes types, or is not a boolean.
        """
        try:
            expression = self._environment.compile(source)
        except RuntimeError as error:
            raise _refusal(str(error)) from None
        if expression.return_type() != cel.Type.BOOL:
            raise ConditionRefused(1, 1, f"gives {expression.return_type().name()}, not a boolean")
        self._check_words(source)
        number = len(self._sources)
        self._sources.append(source)
        self._expressions.append(expression)
        return lambda bound: bound.holds(number)

    def bind(self, facts: Facts) -> Bound:
        """Prepare `facts` for every condition of a book."""
        activation = self._environment.Activation({name: _plain(value) for name, value in vars(facts).items()})
        answers = "".join(group.answers(activation) for group in self._groups)
        return _Asked(activation, answers, self._expressions)

    @cached_property
    def _groups(self) -> "list[_Group]":
        """All conditions in groups, because CEL limits the steps of an evaluation. Made once the book is complete."""
        cuts = range(0, len(self._sources), _AT_A_TIME)
        return [_Group(self._environment, self._sources[cut : cut + _AT_A_TIME]) for cut in cuts]

    def _check_words(self, source: str) -> None:
        for match in _QUOTED.finditer(source):
            if match["word"] not in self._words:
                before = source[: match.start()]
                line, column = before.count("\n") + 1, match.start() - (before.rfind("\n") + 1) + 1
                raise ConditionRefused(line, column, f"no answer is called '{match['word']}'")


class _Group:
    """A group of conditions as one expression."""

    def __init__(self, environment: cel.Env, sources: Sequence[str]) -> None:
        self._unanswered = "?" * len(sources)
        self._expression: cel.Expression | None = None
        with suppress(RuntimeError):  # nested too deeply for the parser, although each condition alone is not
            self._expression = environment.compile(_joined([f"(({source}) ? '1' : '0')" for source in sources]))

    def answers(self, activation: cel.Activation) -> str:
        """Return a letter for each condition."""
        if self._expression is None:
            return self._unanswered
        try:
            value = self._expression.eval(activation)
        except RuntimeError:  # the evaluation took too many steps
            return self._unanswered
        return str(value.value()) if value.type() == cel.Type.STRING else self._unanswered


def _joined(letters: Sequence[str]) -> str:
    """Return the sum of `letters` as a balanced tree, because a long sum is nested too deeply for the parser."""
    if len(letters) == 1:
        return letters[0]
    middle = len(letters) // 2
    return f"({_joined(letters[:middle])} + {_joined(letters[middle:])})"


def _evaluated(expression: cel.Expression, activation: cel.Activation) -> bool:
    try:
        value = expression.eval(activation)
    except RuntimeError as error:
        raise ConditionFailed(f"condition cannot be evaluated: {error}") from None
    if value.type() != cel.Type.BOOL:  # an evaluation error is truthy
        raise ConditionFailed(f"condition gave {value.type().name()}: {value.value()}")
    return bool(value.value())


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _refusal(message: str) -> ConditionRefused:
    place = _PLACE.search(message)
    if place is None:
        return ConditionRefused(1, 1, message.splitlines()[0])
    return ConditionRefused(int(place["line"]), int(place["column"]), place["reason"])
