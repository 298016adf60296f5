"""The source tree as syntax trees, for rules that an import linter cannot express."""

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "triage", "registry", "notifier")


@dataclass(frozen=True)
class Module:
    """One of our files, parsed."""

    path: str
    """Relative to the root of the repository."""
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def stem(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(".py")

    @property
    def capability(self) -> str | None:
        """`intake/reports` for a module of that capability."""
        parts = self.path.split("/")
        in_one = len(parts) >= 4 and parts[0] == "services" and parts[1] in SERVICES and parts[2] != "migrations"
        return f"{parts[1]}/{parts[2]}" if in_one else None

    def imports(self) -> Iterator[str]:
        """Yield the dotted name of everything that the module imports, also inside functions."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def calls(self) -> Iterator[tuple[str, int]]:
        """Yield each called name, as written, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node.lineno

    def classes(self) -> Iterator[ast.ClassDef]:
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def product_modules() -> tuple[Module, ...]:
    """Return every module of `services` and `shared`, except those that Alembic wrote."""
    return tuple(_modules("services", "shared"))


@cache
def modules_of_tests() -> tuple[Module, ...]:
    """Return every module under `tests`."""
    return tuple(_modules("tests"))


def _modules(*folders: str) -> Iterator[Module]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT).as_posix()
            if "/migrations/versions/" in relative or "/assets/" in relative:
                continue
            text = path.read_text("utf-8")
            yield Module(relative, parsed(text, relative), text.count("\n"))


def parsed(text: str, path: str = "<unknown>") -> ast.Module:
    """Parse with the garbage collector off: CPython 3.11 fails if it reports a lost object with a traceback.

    A traceback parses its lines too, and both parsers share one depth counter (python/cpython#106905).
    """
    gc.disable()
    try:
        return ast.parse(text, path)
    finally:
        gc.enable()
