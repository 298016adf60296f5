"""The clause table is complete, and every clause marked as built has a test."""

import ast
import re
from collections import defaultdict
from functools import cache

import pytest
import yaml

from services.intake.policy.clauses_yaml import the_policy
from services.intake.policy.domain import IDS, State
from services.triage.routing.rulebook import PACKAGED, load
from shared.policy import version
from tests.architecture.source import ROOT, modules_of_tests


@cache
def clauses_proved() -> dict[str, list[str]]:
    """Return the clause ids that tests name, with the tests."""
    proved: dict[str, list[str]] = defaultdict(list)
    for module in modules_of_tests():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.policy"):
                for argument in node.args:
                    proved[ast.literal_eval(argument)].append(f"{module.path}:{node.lineno}")
    return dict(proved)


def test_the_table_has_all_42_clauses_in_the_order_of_the_text() -> None:
    assert len(IDS) == 42
    assert tuple(clause.id for clause in the_policy().clauses) == IDS


@pytest.mark.parametrize("clause", [clause.id for clause in the_policy().in_state(State.BUILT)])
def test_a_built_clause_has_a_test(clause: str) -> None:
    assert clauses_proved().get(clause), f"no test is marked @pytest.mark.policy({clause!r})"


def test_no_test_names_an_unknown_clause() -> None:
    unknown = {clause: places for clause, places in clauses_proved().items() if clause not in IDS}
    assert unknown == {}


def test_no_test_proves_a_clause_that_is_only_planned() -> None:
    """A clause with a test is built, or its entry says what is missing."""
    unsaid = [c.id for c in the_policy().in_state(State.PLANNED) if not c.progress and clauses_proved().get(c.id)]
    assert unsaid == []


def test_what_is_built_is_where_the_table_says() -> None:
    absent = [
        f"{clause.id}: {place}"
        for clause in the_policy().in_state(State.BUILT)
        for place in clause.where
        if not (ROOT / "services" / place / "__init__.py").is_file()
    ]
    assert absent == []


def test_only_the_table_says_which_version_of_the_policy_is_in_force() -> None:
    assert version() == the_policy().updated.isoformat()
    assert load(PACKAGED).policy == f"social-media-policy/{version()}"
    sources = [path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.*")]
    texts = {path: path.read_text("utf-8") for path in sources if path.suffix in {".py", ".yaml", ".html"}}
    named = re.compile(rf"{version()}|^policy:", re.MULTILINE)
    assert [path for path, text in texts.items() if named.search(text)] == []


def test_every_rule_cites_a_known_clause() -> None:
    book = yaml.safe_load((ROOT / "services" / "triage" / "routing" / "rulebook.yaml").read_text("utf-8"))
    citing = [(rule["id"], part.get("clause")) for rule in book["rules"] for part in (rule, *rule.get("also", []))]
    assert citing
    assert [(rule, clause) for rule, clause in citing if clause not in IDS] == []
