"""The shape of the tree in figures, each with its limit; `python -m tests.architecture.figures` prints them."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median, quantiles

from shared.events import intake
from shared.events.envelope import Event
from tests.architecture.source import ROOT, Module, product_modules

SEVEN = frozenset({"domain", "tables", "handlers", "queries", "api", "pages", "forms"})
"""The module names that every capability uses (docs/architecture.md)."""
IMPORT = ast.Import | ast.ImportFrom
LONG = 40
COPIED = 6
PLACES = 9
"""The files that may name an answer: a new answer on a form needs changes in these only."""
NOT_ASKED = frozenset({"report_id", "reference", "submitted_at", "channel"})
"""Fields of the same events that no reporter fills in."""
COMMON_WORDS = frozenset({"about", "account", "affected", "device", "kind", "platform", "reporter", "subject"})
"""Answers whose name also means something else in most of the tree: counting them would mean nothing."""
MORE_PLACES: Mapping[str, int] = {
    # Who is alerted, who may see a case and what is erased depend on these, in notifier and in triage.
    "behaviours": 25,
    "found_by": 13,
    "handles": 28,
    "manager_alert": 21,
    "manager_email": 14,
    "narrative": 20,
    "suspected": 21,
    "union_activity": 16,
    "urls": 15,
    # Several forms have these answers, or the check of a report reads them together with another answer.
    "also_affects": 11,
    "content_state": 11,
    "effects": 12,
    "evidence_note": 12,
    "occurred_at": 11,
    "platform_name": 13,
    "related_reference": 11,
    "taken_over": 11,
}
"""Answers that more files name than `PLACES`, with the number of files: it must not grow."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `least` means that the limit is a lower one."""

    name: str
    value: float
    limit: float
    least: bool = False

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.least else self.value <= self.limit

    def __str__(self) -> str:
        return f"{self.name:58} {self.value:8.1f}   {'≥' if self.least else '≤'} {self.limit:g}"


def figures() -> Sequence[Figure]:
    """Return the figures that have a limit."""
    modules = [module for module in product_modules() if _counts(module)]
    lines = sum(module.lines for module in modules)
    imports = sum(_length(node) for module in modules for node in ast.walk(module.tree) if isinstance(node, IMPORT))
    functions = [function for module in modules for function in module.functions()]
    lengths = sorted(map(_length, functions))
    copied = sum(_length(function) for function in functions if _copies(function))
    own = [module for module in modules if module.capability]
    seven = [module for module in own if module.stem in SEVEN]
    return (
        Figure("modules for 1,000 lines", 1000 * len(modules) / lines, 7.2),
        Figure("modules in the fullest folder", _fullest(modules)[1], 16),
        Figure("capability modules under the seven names, %", 100 * len(seven) / len(own), 65, least=True),
        Figure("lines of imports, %", 100 * imports / lines, 8.4),
        Figure("lines of a function, median", median(lengths), 7),
        Figure("lines of a function, ninetieth percentile", quantiles(lengths, n=10)[-1], 18),
        Figure(f"functions over {LONG} lines, %", 100 * sum(one > LONG for one in lengths) / len(lengths), 0.5),
        Figure(f"lines in functions that copy {COPIED} fields or more, %", 100 * copied / sum(lengths), 3),
    )


def counts() -> Iterator[str]:
    """Yield figures that are reported but have no limit: they grow with features."""
    modules = [module for module in product_modules() if _counts(module)]
    yield f"{len(modules)} modules, {sum(module.lines for module in modules)} lines"
    yield "fullest folder: {} with {}".format(*_fullest(modules))
    folders = Counter("/".join(module.path.split("/")[:2]) for module in modules)
    yield ", ".join(f"{folder} {count}" for folder, count in sorted(folders.items()))


def answers() -> frozenset[str]:
    """Return the name of every answer that a form asks for: the fields of the events that carry them."""
    kinds = [kind for kind in vars(intake).values() if isinstance(kind, type) and issubclass(kind, Event)]
    submitted = [kind for kind in kinds if ".submitted." in _type(kind) or "policy_exception.requested" in _type(kind)]
    return frozenset(name for kind in submitted for name in kind.model_fields) - NOT_ASKED - COMMON_WORDS


def _type(kind: type[Event]) -> str:
    return getattr(kind, "TYPE", "")


def places(answer: str) -> Sequence[str]:
    """Return the product's files in which `answer` is written."""
    word = re.compile(rf"\b{answer}\b")
    return [path for path, text in _texts().items() if word.search(text)]


@cache
def _texts() -> Mapping[str, str]:
    return {m.path: (ROOT / m.path).read_text("utf-8") for m in product_modules() if "/migrations/" not in m.path}


def _counts(module: Module) -> bool:
    return module.lines > 0 and module.stem != "__init__" and "/migrations/" not in module.path


def _fullest(modules: Sequence[Module]) -> tuple[str, int]:
    return Counter(module.path.rpartition("/")[0] for module in modules).most_common(1)[0]


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _copies(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(node, ast.Call) and _copied(node) >= COPIED for node in ast.walk(function))


def _copied(call: ast.Call) -> int:
    """Count the arguments that only hand on a field: `name=other.name`."""
    return sum(isinstance(given.value, ast.Attribute) and given.value.attr == given.arg for given in call.keywords)


if __name__ == "__main__":
    spelled_out = (f"{len(places(answer)):3} files name the answer {answer}" for answer in sorted(answers()))
    print(*figures(), *counts(), *spelled_out, sep="\n")  # noqa: T201 - its output is for people
