"""CEL as rules use it: type-checked when the book is loaded, and only a real boolean counts when it is evaluated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from cel_expr_python import cel

from services.triage.routing.domain import Bound, Condition, ConditionFailed, Facts

_TYPES: Mapping[object, cel.Type] = {
    str: cel.Type.STRING,
    int: cel.Type.INT,
    bool: cel.Type.BOOL,
    tuple[str, ...]: cel.Type.List(cel.Type.STRING),
}
_NAMES = tuple(field.name for field in fields(Facts))
_PLACE = re.compile(r"<input>:(?P<line>\d+):(?P<column>\d+): (?P<reason>[^\n]*)")
_QUOTED = re.compile(r"""(?P<quote>['"])(?P<word>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConditionRefused(Exception):
    """A condition does not type-check. Line and column count from 1 within the condition."""

    line: int
    column: int
    reason: str


class Conditions:
    """Compiles conditions over `Facts` and makes facts ready for them.

    Args:
        words: every text that a condition may compare with, so that a misspelt answer is refused like any typo.
    """

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words
        self._environment = cel.NewEnv(variables={field.name: _TYPES[field.type] for field in fields(Facts)})

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

        def holds(bound: Bound) -> bool:
            value = expression.eval(bound)
            if value.type() != cel.Type.BOOL:  # an evaluation error is a truthy value
                raise ConditionFailed(f"condition gave {value.type().name()}: {value.value()}")
            return bool(value.value())

        return holds

    def bind(self, facts: Facts) -> Bound:
        """Make `facts` ready for every condition of a book."""
        return self._environment.Activation({name: _plain(getattr(facts, name)) for name in _NAMES})

    def _check_words(self, source: str) -> None:
        for match in _QUOTED.finditer(source):
            if match["word"] not in self._words:
                before = source[: match.start()]
                line, column = before.count("\n") + 1, match.start() - (before.rfind("\n") + 1) + 1
                raise ConditionRefused(line, column, f"no answer is called '{match['word']}'")


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _refusal(message: str) -> ConditionRefused:
    place = _PLACE.search(message)
    if place is None:
        return ConditionRefused(1, 1, message.splitlines()[0])
    return ConditionRefused(int(place["line"]), int(place["column"]), place["reason"])
