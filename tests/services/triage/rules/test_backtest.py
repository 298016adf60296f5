"""What a candidate book would have changed, decision by decision."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.routing import rulebook
from services.triage.routing.domain import Facts, RuleBook, decide
from services.triage.rules.domain import Backtest, Past, compare, facts_of_old
from shared.events.vocabulary import (
    Behaviour,
    Circumstance,
    Effect,
    MisuseBehaviour,
    ReportType,
)
from tests.services.triage.builders import BOOK, PLAIN
from tests.services.triage.rules.books import EVERYTHING_TO_THE_DESK, RECORDINGS_RENAMED, RECORDINGS_TO_SIRT, book_with

TODAY = date(2026, 11, 23)
RECORDING = replace(PLAIN, behaviours=("unauthorised_recording",))


def past(facts: Facts, book: RuleBook = BOOK, **changes: object) -> Past:
    """Return what `book` decided about `facts`, with `changes`."""
    made = decide(facts, book, TODAY)
    decided = Past(
        reference="SP-TEST-0001",
        decided_on=TODAY,
        rule=made.rule,
        team=made.team,
        priority=made.priority,
        misdirected=made.misdirected,
        restricted=made.restricted,
        also=frozenset(also.team for also in made.also),
        team_now=made.team,
        facts=facts,
    )
    return replace(decided, **changes)  # type: ignore[arg-type] # replace checks the names


def backtest(book: RuleBook, *decisions: Past, most_examples: int = 3) -> Backtest:
    result = Backtest(most_examples)
    result.add(compare(one, book) for one in decisions)
    return result


def test_a_rule_that_sends_reports_elsewhere_shows_by_rule_and_team_with_an_example() -> None:
    result = backtest(rulebook.parse(book_with(RECORDINGS_TO_SIRT)), past(RECORDING), past(PLAIN))
    assert (result.replayed, result.differing) == (2, 1)
    assert result.rules == {("unauthorised-recording", "unauthorised-recording"): 1}
    assert result.teams == {("smart", "sirt"): 1}
    assert result.examples == {("unauthorised-recording", "unauthorised-recording"): ["SP-TEST-0001"]}
    assert not result.priorities


def test_a_renamed_rule_differs_by_rule_alone() -> None:
    result = backtest(rulebook.parse(book_with(RECORDINGS_RENAMED)), past(RECORDING))
    assert result.rules == {("unauthorised-recording", "recordings"): 1}
    assert not result.teams


def test_what_people_corrected_is_compared_with_what_the_candidate_says() -> None:
    result = backtest(
        rulebook.parse(book_with(RECORDINGS_TO_SIRT)),
        past(RECORDING, team_now="sirt"),
        past(RECORDING, team_now="triage_desk"),
        past(RECORDING),
        past(PLAIN, team_now="sirt"),
    )
    assert (result.moved, result.would_have_gone_there, result.would_no_longer_go_there) == (3, 1, 1)


LAST_RULE_FOR_ABUSE = "    category: abuse\n    sentence: Abuse of people"


def with_line(line: str) -> tuple[str, str]:
    return LAST_RULE_FOR_ABUSE, LAST_RULE_FOR_ABUSE.replace("\n", f"\n    {line}\n", 1)


GRAVE = "b in ['doxing', 'threat', 'intimate_image']"
CHANGES: dict[str, tuple[tuple[str, str], dict[str, int]]] = {
    "priority": ((GRAVE, GRAVE.replace("doxing", "harassment")), {"priorities": 1, "newly_misdirected": 0}),
    "misdirected": (with_line("misdirected: true"), {"newly_misdirected": 1, "no_longer_misdirected": 0}),
    "restricted": (with_line("restricted: true"), {"newly_restricted": 1, "no_longer_restricted": 0}),
    "linked": (
        with_line("also: [{team: sirt, clause: C-c, sentence: It looks too.}]"),
        {"opened_also": 1, "not_opened_also": 0},
    ),
}
OPPOSITE = {
    "newly_misdirected": "no_longer_misdirected",
    "newly_restricted": "no_longer_restricted",
    "opened_also": "not_opened_also",
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_each_kind_of_change_is_counted_in_both_directions(name: str) -> None:
    change, expected = CHANGES[name]
    candidate = rulebook.parse(book_with(change))
    forward = backtest(candidate, past(PLAIN))
    assert {key: _total(getattr(forward, key)) for key in expected} == expected
    back = backtest(BOOK, past(PLAIN, candidate))
    for key, other in OPPOSITE.items():
        assert _total(getattr(forward, key)) == _total(getattr(back, other))


def _total(value: int | Counter[str]) -> int:
    return value if isinstance(value, int) else value.total()


def test_examples_are_few_and_only_those_that_may_be_named() -> None:
    candidate = rulebook.parse(book_with(EVERYTHING_TO_THE_DESK))
    told = [past(PLAIN, reference=f"SP-{number}") for number in range(5)]
    result = backtest(candidate, past(PLAIN, reference=None), *told, most_examples=2)
    assert result.examples == {("abuse-of-a-user", "desk-first"): ["SP-0", "SP-1"]}
    assert result.rules["abuse-of-a-user", "desk-first"] == 6


def test_what_shadow_rules_would_have_caught_is_counted() -> None:
    assert backtest(BOOK, past(replace(PLAIN, earlier_reports=4)), past(PLAIN)).shadow == {"repeated-account": 1}


OLD: dict[str, tuple[dict[str, object], Facts]] = {
    "a fact that was not asked": (
        {"form": "abuse", "report_type": "abuse", "found_by": "person", "reporter": "named"},
        Facts(form="abuse", report_type="abuse", found_by="person", reporter="named"),
    ),
    "a fact no longer asked": (
        {**PLAIN.to_json(), "mood": "angry"},
        PLAIN,
    ),
    "a fact of another type": (
        {**PLAIN.to_json(), "behaviours": "harassment", "earlier_reports": "many", "sanctioned": 1, "platform": None},
        replace(PLAIN, behaviours=(), platform=""),
    ),
    "no form yet": (
        {"report_type": "abuse"},
        Facts(form="abuse", report_type="abuse", found_by="", reporter=""),
    ),
    "nothing": ({}, Facts(form="", report_type="", found_by="", reporter="")),
}


@pytest.mark.parametrize("name", sorted(OLD))
def test_facts_of_an_older_version_can_be_replayed(name: str) -> None:
    stored, expected = OLD[name]
    facts = facts_of_old(stored)
    assert facts == expected
    assert decide(facts, BOOK, TODAY).problem is None


def some(*kinds: type[Behaviour | Effect | Circumstance | MisuseBehaviour]) -> st.SearchStrategy[tuple[str, ...]]:
    words = [str(member) for kind in kinds for member in kind]
    return st.lists(st.sampled_from(words), max_size=3, unique=True).map(tuple)


ANY_FACTS = st.builds(
    Facts,
    form=st.sampled_from(sorted(map(str, ReportType))),
    report_type=st.sampled_from(sorted(map(str, ReportType))),
    found_by=st.sampled_from(["person", "monitoring", "unrecognised"]),
    reporter=st.sampled_from(["named", "confidential", "anonymous"]),
    behaviours=some(Behaviour),
    misuse=some(MisuseBehaviour),
    effects=some(Effect),
    circumstances=some(Circumstance),
    union_activity=st.sampled_from(["yes", "no", "unsure", ""]),
    dwp_information=st.sampled_from(["yes", "no", ""]),
    taken_over=st.sampled_from(["yes", "no", ""]),
    content_state=st.sampled_from(["online", "deleted", ""]),
    earlier_reports=st.integers(0, 10),
    about=st.sampled_from(["policy", "requirement", ""]),
    exception_kind=st.sampled_from(["request", "notice", ""]),
)


@pytest.mark.policy("R-a")
@settings(deadline=None)
@given(st.lists(ANY_FACTS, max_size=5))
def test_the_book_that_decided_differs_nowhere_from_its_own_decisions(asked: list[Facts]) -> None:
    stored = [past(facts_of_old(facts.to_json())) for facts in asked]
    result = backtest(BOOK, *stored)
    assert (result.replayed, result.differing, result.moved) == (len(asked), 0, 0)
    assert not result.rules
