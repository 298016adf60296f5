"""What the documents say about the tree is true."""

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
DATE = re.compile(r"Date: \d{4}-\d{2}-\d{2}")
STATUS = re.compile(r"Status: (?:accepted|replaced by \d{4})")
PAPERS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md", "docs/decisions/README.md")
IN_TREE = re.compile(r"`((?:services|shared|demo|deploy|docs|tests|benchmarks)/[\w./-]*[\w/])`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.name[:4])
def test_a_decision_has_its_number_date_and_status(record: Path) -> None:
    lines = record.read_text("utf-8").splitlines()
    assert lines[0].startswith(f"# {record.name[:4]} ")
    assert DATE.fullmatch(lines[2])
    assert STATUS.fullmatch(lines[3])


def test_the_list_of_decisions_is_whole() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert [record.name for record in DECISIONS if f"({record.name})" not in listed] == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_place_that_a_paper_names_is_there(paper: str) -> None:
    text, folder = (ROOT / paper).read_text("utf-8"), (ROOT / paper).parent
    missing = [place for place in IN_TREE.findall(text) if not (ROOT / place).exists()]
    missing += [link for link in LINK.findall(text) if not (folder / link).exists()]
    assert missing == []
