"""Finds the fields that the source logs."""

import ast
from collections.abc import Iterator
from pathlib import Path

from shared.observability.logs import CODES, WORDS
from tests.architecture.source import parsed

_LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
_NOT_FIELDS = frozenset({"exc_info"})
_COUNTS = frozenset(
    {"dead_lettered", "duplicates", "events", "failed", "handled", "parked", "records", "settled", "skipped"}
)
_FIGURES = ("_id", "_ms", "_s", "count", "_count", "_at", "attempts", "age", "seconds", "batch")


def undeclared_fields(root: Path) -> list[str]:
    """Return `file:line field` for each field of a log call that is neither declared nor plainly a figure."""
    found: list[str] = []
    for folder in ("services", "shared"):
        for path in sorted((root / folder).rglob("*.py")):
            found += [f"{path.relative_to(root)}:{line} {name}" for line, name in _fields(path) if not _fine(name)]
    return found


def _fields(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(parsed(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _is_log_call(node):
            yield from ((node.lineno, keyword.arg) for keyword in node.keywords if keyword.arg)


def _is_log_call(call: ast.Call) -> bool:
    function = call.func
    if not (isinstance(function, ast.Attribute) and function.attr in _LEVELS):
        return False
    return isinstance(function.value, ast.Name) and function.value.id in {"_log", "log", "logger"}


def _fine(name: str) -> bool:
    return name in CODES | WORDS | _NOT_FIELDS | _COUNTS or name.endswith(_FIGURES)
