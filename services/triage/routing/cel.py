"""CEL as rules use it: type-checked when the book is loaded, and only a real boolean counts when it is evaluated."""

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
    """Facts made ready, and what the conditions of the book say of them."""

    activation: cel.Activation
    answers: str
    """A letter for each condition, by its number: `1` it holds, `0` it does not, `?` it must be asked by itself."""
    expressions: Sequence[cel.Expression]

    def holds(self, condition: int) -> bool:
        answer = self.answers[condition]
        return _evaluated(self.expressions[condition], self.activation) if answer == "?" else answer == "1"


class Conditions:
    """Compiles conditions over `Facts` and makes facts ready for them.

    Conditions are asked many at a time, as one expression that gives a letter for each (decision 0026). Where that
    fails, each condition that matters is asked by itself, so that the one to blame is named.

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
        """Make `facts` ready for every condition of a book."""
        activation = self._environment.Activation({name: _plain(value) for name, value in vars(facts).items()})
        answers = "".join(group.answers(activation) for group in self._groups)
        return _Asked(activation, answers, self._expressions)

    @cached_property
    def _groups(self) -> "list[_Group]":
        """All conditions, some at a time: an evaluation may only take so many steps. Made when the book is whole."""
        cuts = range(0, len(self._sources), _AT_A_TIME)
        return [_Group(self._environment, self._sources[cut : cut + _AT_A_TIME]) for cut in cuts]

    def _check_words(self, source: str) -> None:
        for match in _QUOTED.finditer(source):
            if match["word"] not in self._words:
                before = source[: match.start()]
                line, column = before.count("\n") + 1, match.start() - (before.rfind("\n") + 1) + 1
                raise ConditionRefused(line, column, f"no answer is called '{match['word']}'")


class _Group:
    """Some conditions as one expression."""

    def __init__(self, environment: cel.Env, sources: Sequence[str]) -> None:
        self._unanswered = "?" * len(sources)
        self._expression: cel.Expression | None = None
        with suppress(RuntimeError):  # deeper than a parser goes, where each by itself is not
            self._expression = environment.compile(_joined([f"(({source}) ? '1' : '0')" for source in sources]))

    def answers(self, activation: cel.Activation) -> str:
        """Return a letter for each condition."""
        if self._expression is None:
            return self._unanswered
        try:
            value = self._expression.eval(activation)
        except RuntimeError:  # more steps than an evaluation may take
            return self._unanswered
        return str(value.value()) if value.type() == cel.Type.STRING else self._unanswered


def _joined(letters: Sequence[str]) -> str:
    """Return the sum of `letters`, halved again and again: a long sum is deeper than a parser goes."""
    if len(letters) == 1:
        return letters[0]
    middle = len(letters) // 2
    return f"({_joined(letters[:middle])} + {_joined(letters[middle:])})"


def _evaluated(expression: cel.Expression, activation: cel.Activation) -> bool:
    try:
        value = expression.eval(activation)
    except RuntimeError as error:
        raise ConditionFailed(f"condition cannot be evaluated: {error}") from None
    if value.type() != cel.Type.BOOL:  # an evaluation error is a truthy value
        raise ConditionFailed(f"condition gave {value.type().name()}: {value.value()}")
    return bool(value.value())


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _refusal(message: str) -> ConditionRefused:
    place = _PLACE.search(message)
    if place is None:
        return ConditionRefused(1, 1, message.splitlines()[0])
    return ConditionRefused(int(place["line"]), int(place["column"]), place["reason"])
