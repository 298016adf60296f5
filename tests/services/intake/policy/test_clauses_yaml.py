"""Reading the clause table."""

import pytest
import yaml

from services.intake.policy.clauses_yaml import parse, the_policy
from services.intake.policy.domain import IDS, InvalidClauses

ENTRY = {"title": "T", "paraphrase": "P", "serves": "S", "where": ["intake/reports"], "state": "planned"}

TEXT = {
    "title": "Policy",
    "updated": "2025-07-29",
    "owner": "Somebody",
    "kept_by": "Somebody else",
    "review_by": "2027-07-29",
}


def table(ids: tuple[str, ...], **changes: object) -> str:
    clauses = [{"id": clause, **ENTRY, **changes} for clause in ids]
    return yaml.safe_dump({"text": TEXT, "clauses": clauses})


def test_every_clause_stands_in_its_part_of_the_text() -> None:
    parts = [clause.part for clause in the_policy().clauses]
    assert [parts.count(part) for part in dict.fromkeys(parts)] == [2, 2, 4, 8, 9, 4, 10, 3]


def test_a_complete_table_is_read() -> None:
    assert len(parse(table(IDS)).clauses) == 42


@pytest.mark.parametrize(
    "ids",
    [IDS[1:], (*IDS, "S10"), (*IDS, "S3"), (*IDS[1:], IDS[0])],
    ids=["missing", "unknown", "twice", "out of order"],
)
def test_an_incomplete_table_is_refused(ids: tuple[str, ...]) -> None:
    with pytest.raises(InvalidClauses):
        parse(table(ids))


@pytest.mark.parametrize(
    "changes",
    [{"state": "done"}, {"paraphrase": " "}, {"where": []}, {"where": ["reports"]}, {"unknown": "field"}],
    ids=str,
)
def test_a_malformed_clause_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidClauses):
        parse(table(IDS, **changes))


@pytest.mark.parametrize("name", TEXT)
def test_a_text_of_which_something_is_not_said_is_refused(name: str) -> None:
    document = yaml.safe_load(table(IDS))
    del document["text"][name]
    with pytest.raises(InvalidClauses, match=name):
        parse(yaml.safe_dump(document))


def test_what_is_not_yaml_is_refused() -> None:
    with pytest.raises(InvalidClauses):
        parse("clauses: [")
