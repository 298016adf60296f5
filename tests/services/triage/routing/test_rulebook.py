"""A rule book is loaded as a whole or refused as a whole, by rule, line and column."""

import pytest

from services.triage.routing import rulebook
from services.triage.routing.domain import UNDECIDED, decide
from services.triage.routing.rulebook import RuleBookRefused
from shared.events.vocabulary import Team
from tests.services.triage.builders import PLAIN
from tests.services.triage.routing.test_routing import TODAY


def book_with(old: str, new: str) -> str:
    text = rulebook.PACKAGED.read_text("utf-8")
    assert old in text
    return text.replace(old, new, 1)


MISTAKES = [
    ("'union' in account_classes)", "'onion' in account_classes)", "misuse-about-union-activity", 65),
    ("'union' in account_classes\n", '"onion" in account_classes\n', "abuse-from-a-union-account", 37),
    ("earlier_reports >= 3", "eerlier_reports >= 3", "repeated-account", 37),
    ("earlier_reports >= 3", "earlier_reports >= '3'", "repeated-account", 53),
    ("report_type == 'abuse' && earlier_reports >= 3", "earlier_reports", "repeated-account", 11),
    ("'unauthorised_recording' in", "'unauthorised_recordin' in", "unauthorised-recording", 10),
    ("state: shadow", "state: shadwo", "repeated-account", 12),
    ("  - id: anything-else", "  - id: abuse-of-a-user", "abuse-of-a-user", 9),
    ("clause: R-d", "clause: R-z", "misuse-by-a-colleague", 13),
    ("team: sirt\n    priority: P1", "team: sirrt\n    priority: P1", "abuse-from-a-taken-over-account", 11),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "rule", "column"), MISTAKES)
def test_a_mistake_in_the_book_is_refused_with_rule_line_and_column(old: str, new: str, rule: str, column: int) -> None:
    with pytest.raises(RuleBookRefused) as refused:
        rulebook.parse(book_with(old, new))
    assert str(refused.value).startswith(f"rule {rule}: line {line_of(old)}, column {column}: ")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("earlier_reports >= 3", "earlier_reports >=", "rule repeated-account"),
        ("low: {high: P3, medium: P4, low: P4}", "low: {high: P3, medium: P4}", "rule (matrix)"),
        ("impact:", "impact", "rule (the file)"),
    ],
)
def test_a_mistake_of_shape_is_refused_with_its_place(old: str, new: str, where: str) -> None:
    with pytest.raises(RuleBookRefused) as refused:
        rulebook.parse(book_with(old, new))
    assert str(refused.value).startswith(where)


@pytest.mark.parametrize(
    ("old", "twice", "rule"),
    [
        ("    team: line_manager\n", "    team: sirt\n", "misuse-with-risk-to-the-department"),
        ('    when: "true"\n', '    when: "false"\n', "anything-else"),
        ("matrix:\n", "urgency: []\n", "(urgency)"),
    ],
)
def test_what_is_said_twice_is_a_typo_and_not_the_second_of_the_two(old: str, twice: str, rule: str) -> None:
    with pytest.raises(RuleBookRefused, match="twice") as refused:
        rulebook.parse(book_with(old, twice + old))
    assert refused.value.rule == rule


def test_a_rule_that_ends_before_it_starts_is_refused_where_it_ends() -> None:
    first = "  - id: anything-else\n"
    with pytest.raises(RuleBookRefused, match="ends before it starts") as refused:
        rulebook.parse(book_with(first, f"{first}    starts: 2027-01-02\n    ends: 2027-01-01\n"))
    assert (refused.value.rule, refused.value.line) == ("anything-else", line_of(first) + 2)
    rulebook.parse(book_with(first, f"{first}    starts: 2027-01-01\n    ends: 2027-01-01\n"))


def test_a_book_that_holds_itself_is_refused() -> None:
    with pytest.raises(RuleBookRefused):
        rulebook.parse("rules: &all [*all]\n")


def line_of(text: str) -> int:
    return rulebook.PACKAGED.read_text("utf-8").partition(text)[0].count("\n") + 1


def test_an_evaluation_that_is_neither_true_nor_false_goes_to_the_triage_desk_with_the_reason() -> None:
    book = rulebook.parse(book_with("report_type == 'abuse' && found_by == 'monitoring'", "1 / earlier_reports == 1"))
    decision = decide(PLAIN, book, TODAY)
    assert (decision.team, decision.rule) == (Team.TRIAGE_DESK, UNDECIDED)
    assert decision.problem is not None
    assert "divide by zero" in decision.problem


def test_a_shadow_rule_that_fails_holds_nothing_up() -> None:
    book = rulebook.parse(book_with("report_type == 'abuse' && earlier_reports >= 3", "1 / earlier_reports == 1"))
    decision = decide(PLAIN, book, TODAY)
    assert (decision.rule, decision.shadow) == ("abuse-of-a-user", ("repeated-account (failed)",))


def test_each_rule_of_our_book_has_a_sentence_of_its_own() -> None:
    sentences = [rule.sentence for rule in rulebook.load(rulebook.PACKAGED).rules]
    assert [sentence for sentence in set(sentences) if sentences.count(sentence) > 1] == []
