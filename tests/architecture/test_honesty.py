"""Exceptions give their reason, and tests wait for conditions."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, modules_of_tests, product_modules

EXCEPTION = re.compile(r"#\s*(?:noqa\b|type:\s*ignore\b)")
WITH_RULE_AND_REASON = re.compile(
    r"#\s*(?:noqa: [A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|type: ignore\[[a-z-]+(?:,\s*[a-z-]+)*\])\s*(?:-+|—|#|\()\s*\w+"
)


FAULTS_THAT_LAST = "tests/faults/extent.py"
IS_SHARED = re.compile(r'fixture\([^)]*scope="module"')


def test_an_exception_from_a_gate_names_its_rule_and_its_reason() -> None:
    bare = [
        f"{module.path}:{number}"
        for module in (*product_modules(), *modules_of_tests())
        if not module.path.startswith("tests/architecture/")
        for number, line in enumerate((ROOT / module.path).read_text("utf-8").splitlines(), 1)
        if EXCEPTION.search(line) and not WITH_RULE_AND_REASON.search(line)
    ]
    assert bare == []


def test_tests_wait_for_conditions_and_never_for_a_time() -> None:
    """A pause is allowed only between two checks of a condition, inside a loop. A fault may last for a time."""
    paused = [
        f"{module.path}:{call.lineno}"
        for module in modules_of_tests()
        if module.path != FAULTS_THAT_LAST
        for call in _outside_loops(module.tree)
        if ast.unparse(call.func) in {"time.sleep", "asyncio.sleep"} and ast.unparse(call.args[0]) != "0"
    ]
    assert paused == []


def test_source_is_parsed_in_the_one_way_that_is_safe() -> None:
    """CPython 3.11 may fail otherwise, by chance: `source.parsed` says why."""
    parses = {module.path for module in modules_of_tests() if "ast.parse" in {name for name, _ in module.calls()}}
    assert parses == {"tests/architecture/source.py"}


@pytest.mark.xdist_group("shared")
def test_tests_that_share_a_server_are_sent_to_one_worker(request: pytest.FixtureRequest) -> None:
    """pytest-xdist recognises a group by the end of a test's name, and does not warn if there is none."""
    is_worker = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@shared") is is_worker


def test_what_the_tests_of_a_module_share_is_made_by_one_worker() -> None:
    """Without a group each of them may go to another worker, between tests of other modules: it is made for each."""
    modules = {module.path: (ROOT / module.path).read_text("utf-8") for module in modules_of_tests()}
    sharing = {path for path, text in modules.items() if IS_SHARED.search(text) and "/test_" in path}
    assert sharing
    assert {path for path in sharing if "xdist_group(" not in modules[path]} == set()


def _outside_loops(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.While | ast.For | ast.AsyncFor):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _outside_loops(child)
