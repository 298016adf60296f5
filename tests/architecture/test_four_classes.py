"""A database row, an event, a form and an API body are four classes, even when they look alike today."""

import ast
import re
from functools import cache

import pytest

from tests.architecture.source import parsed, product_modules

KINDS = {
    "row": re.compile(r"^Base$|DeclarativeBase|Mapped"),
    "event": re.compile(r"^Event$"),
    "body": re.compile(r"BaseModel"),
    "form": re.compile(r"Form$"),
}


def test_no_class_is_two_of_them() -> None:
    double = [
        f"{module.path}: {kind.name}"
        for module in product_modules()
        for kind in module.classes()
        if len(_kinds(kind)) > 1
    ]
    assert double == []


def _kinds(kind: ast.ClassDef) -> set[str]:
    bases = [ast.unparse(base).rpartition(".")[2] for base in kind.bases]
    return {name for name, pattern in KINDS.items() if any(pattern.search(base) for base in bases)}


def test_a_route_never_takes_or_gives_a_row_or_an_event() -> None:
    leaking = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in product_modules()
        if module.capability and module.stem in {"api", "pages"}
        for function in module.functions()
        for annotation in (function.returns, *(argument.annotation for argument in function.args.args))
        if annotation is not None and _names(annotation) & _rows(module.capability.partition("/")[0])
    ]
    assert leaking == []


@cache
def _rows(service: str) -> frozenset[str]:
    """Return the names of a service's rows; another service may use one of them for a model of its own."""
    tables = (m for m in product_modules() if m.stem == "tables" and (m.capability or "").startswith(f"{service}/"))
    return frozenset(kind.name for module in tables for kind in module.classes())


def _names(annotation: ast.AST) -> set[str]:
    """Return the names in an annotation, also those reached through their module, as in `tables.ReportRow`."""
    nodes = list(ast.walk(annotation))
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


@pytest.mark.parametrize("annotation", ["ReportRow", "Sequence[ReportRow]", "tables.ReportRow | None"])
def test_a_row_is_seen_however_it_is_imported(annotation: str) -> None:
    assert "ReportRow" in _names(parsed(annotation))
