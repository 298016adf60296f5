"""A database row, an event, a form and an API body are four classes, even when they look alike today."""

import ast
import re

from tests.architecture.source import product_modules

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
    edges = [module for module in product_modules() if module.capability and module.name.endswith((".api", ".pages"))]
    rows = {kind.name for module in product_modules() if module.name.endswith(".tables") for kind in module.classes()}
    leaking = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in edges
        for function in module.functions()
        for annotation in (function.returns, *(argument.annotation for argument in function.args.args))
        if annotation is not None and _names(annotation) & rows
    ]
    assert leaking == []


def _names(annotation: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
