"""Where in a rule book's text each part stands, so that a mistake is named by rule, line and column."""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from services.triage.routing.cel import ConditionRefused

Path = tuple[str | int, ...]
"""Names and places that lead to a part, from the outermost."""


@dataclass(frozen=True, slots=True)
class RuleBookRefused(Exception):
    """A book cannot be used; the running one stays. Line and column count from 1 within the file."""

    rule: str
    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"rule {self.rule}: line {self.line}, column {self.column}: {self.reason}"


class Places:
    """The text of a book as data, and where in the text each part of it stands.

    Raises:
        RuleBookRefused: it is not YAML, is empty, or says the same thing twice.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        try:
            loader = yaml.SafeLoader(text)
            root = loader.get_single_node()
            self.data: object = loader.construct_document(root) if root else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise RuleBookRefused("(the file)", line, column, error.problem or "not YAML") from None
        if root is None:
            raise RuleBookRefused("(the file)", 1, 1, "there is nothing in it")
        self._root = root
        self._refuse_repeated_names(root, (), set())

    def _refuse_repeated_names(self, node: yaml.Node, path: Path, seen: set[int]) -> None:
        """Refuse what YAML would take silently: of two `team:` in one rule the second."""
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

    def refusal_in_condition(self, refused: ConditionRefused, path: Path) -> RuleBookRefused:
        """Return the refusal of a condition, whose own lines count from its first."""
        node = self._node(path)
        line, column = node.start_mark.line + 1, node.start_mark.column + refused.column
        if isinstance(node, yaml.ScalarNode) and node.style == "|":
            line += refused.line
            indent = min(len(text) - len(text.lstrip()) for text in self._lines[node.start_mark.line + 1 :][:1])
            column = indent + refused.column
        elif isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}:
            column += 1
        return RuleBookRefused(self._rule_at(path), line, column, refused.reason)

    def refusal(self, path: Path, reason: str) -> RuleBookRefused:
        """Return the refusal of what stands at `path`."""
        mark = self._node(path).start_mark
        return RuleBookRefused(self._rule_at(path), mark.line + 1, mark.column + 1, reason)

    def _rule_at(self, path: Path) -> str:
        match path:
            case ("rules", int(index), *_):
                identifier = self._node(("rules", index, "id"))
                return str(identifier.value) if isinstance(identifier, yaml.ScalarNode) else f"number {index + 1}"
            case (part, *_):
                return f"({part})"
            case _:
                return "(the file)"

    def _node(self, path: Path) -> yaml.Node:
        """Return the deepest node on `path` that exists."""
        node = self._root
        for step in path:
            below = _child(node, step)
            if below is None:
                break
            node = below
        return node


def _parts(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node | None, yaml.Node]]:
    """Yield what a node holds: name or place, the node of the name, and what is there."""
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
