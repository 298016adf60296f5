"""What adds up, and what does not: each sum can fail by itself."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.cli.demo.outcome import Outcome, Row, rows_of
from services.cli.demo.planned import CREATED, Expected
from services.cli.demo.sending import Answer
from shared.events.vocabulary import AlertPurpose, Team
from tests.services.cli.demo.building import (
    REFERENCE,
    TO_SMART,
    accepted,
    alert,
    case,
    figures,
    outcome,
    refused,
)

SOUND = Row(accepted(), [case()])
LINKED = f"{REFERENCE}-2"


def problems(row: Row) -> list[str]:
    return list(row.problems())


def test_a_report_that_is_where_it_should_be_is_no_problem() -> None:
    assert problems(SOUND) == []
    assert problems(Row(refused())) == []


def test_an_answer_that_was_not_expected_is_a_problem() -> None:
    assert problems(Row(refused(500))) == ["was answered 500 instead of 422"]
    assert problems(Row(refused(403, expected=TO_SMART))) == ["was answered 403 instead of 201"]
    taken = replace(accepted(), expected=Expected(422))
    assert problems(Row(taken, [case()])) == ["was answered 201 instead of 422"]


def test_a_report_whose_fate_nobody_knows_is_a_problem() -> None:
    unanswered = Answer(1, "abuse:doxing", TO_SMART, None, tries=9)
    assert problems(Row(unanswered)) == ["was not answered: nobody knows whether it was taken"]


def test_a_report_without_the_case_of_its_reference_is_a_problem() -> None:
    assert problems(Row(accepted())) == ["has no case"]
    assert problems(Row(accepted(), [case(reference="SP-0000-0000")])) == ["has no case"]


def test_a_case_with_another_team_is_a_problem() -> None:
    assert problems(Row(accepted(), [case(Team.SIRT)])) == ["is with sirt instead of smart"]


def test_misuse_by_somebody_whom_nobody_manages_may_be_with_the_triage_desk() -> None:
    misuse = Expected(CREATED, Team.LINE_MANAGER)
    assert problems(Row(accepted(misuse), [case(Team.TRIAGE_DESK)])) == []
    assert problems(Row(accepted(misuse), [case(Team.SMART)])) == ["is with smart instead of line_manager"]


def test_linked_cases_are_compared_unless_history_decides() -> None:
    with_sirt = replace(TO_SMART, also=frozenset({Team.SIRT}))
    both = [case(), case(Team.SIRT, LINKED)]
    assert problems(Row(accepted(with_sirt), both)) == []
    assert problems(Row(accepted(with_sirt), [case()])) == ["has linked cases of nobody instead of sirt"]
    assert problems(Row(accepted(), both)) == ["has linked cases of sirt instead of nobody"]
    assert problems(Row(accepted(replace(TO_SMART, also=None)), both)) == []


def test_a_wrong_form_that_nobody_noticed_is_a_problem() -> None:
    misdirected = replace(TO_SMART, misdirected=True)
    assert problems(Row(accepted(misdirected), [case()])) == ["was not called misdirected"]
    assert problems(Row(accepted(), [case(misdirected=True)])) == ["was called misdirected"]


def test_who_was_not_told_and_who_should_not_have_been_are_problems() -> None:
    told = replace(TO_SMART, told=frozenset({AlertPurpose.ABUSE_REPORTED}))
    untold = replace(TO_SMART, untold=frozenset({AlertPurpose.ABUSE_REPORTED}))
    alerts = [alert(AlertPurpose.ABUSE_REPORTED)]
    assert problems(Row(accepted(told), [case()])) == ["told nobody for abuse_reported"]
    assert problems(Row(accepted(told), [case()], alerts)) == []
    assert problems(Row(accepted(untold), [case()], alerts)) == ["told somebody for abuse_reported"]


def test_sums_add_up() -> None:
    whole = outcome([SOUND, Row(refused())], figures(5), figures(6))
    assert (whole.sent, whole.accepted, whole.refused, whole.unanswered, whole.with_a_case) == (2, 1, 1, 0, 1)
    assert whole.growth == {"accepted": 1, "published": 1, "cases": 1, "alert_decisions": 1}
    assert list(whole.problems()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (outcome([SOUND], figures(5), replace(figures(6), cases=5)), "the ledger's cases grew by 0"),
        (outcome([SOUND], figures(5), replace(figures(6), published=5)), "the ledger's published grew by 0"),
        (
            outcome([SOUND], figures(5), replace(figures(6), alert_decisions=5)),
            "the ledger's alert decisions grew by 0",
        ),
        (outcome([SOUND], figures(5), figures(7)), "grew by 2: somebody else reports at the same time"),
        (outcome([SOUND], figures(5), figures(6, unaccounted=1)), "1 are unaccounted for"),
        (outcome([SOUND], figures(5), figures(6, dead_lettered=1)), "1 were set aside as dead letters"),
        (outcome([SOUND], figures(5), figures(6, in_flight=1)), "1 are still on their way"),
        (outcome([SOUND], figures(5), None), "the ledger could not be read afterwards"),
    ],
)
def test_a_ledger_that_says_otherwise_is_a_problem(changed: Outcome, said: str) -> None:
    assert any(said in problem for problem in changed.problems())


def test_what_was_wrong_before_is_not_held_against_the_demo() -> None:
    before, after = figures(5, dead_lettered=2, unaccounted=1), figures(6, dead_lettered=2, unaccounted=1)
    assert list(outcome([SOUND], before, after).problems()) == []


def test_one_report_for_two_requests_is_a_problem() -> None:
    same = uuid4()
    rows = [Row(accepted(number=n, report_id=same), [case()]) for n in (1, 2)]
    assert "2 were accepted, and 1 different reports have a case" in list(
        outcome(rows, figures(0), figures(2)).problems()
    )


def test_figures_that_a_source_does_not_have_are_left_out() -> None:
    poor = outcome([SOUND], replace(figures(5), published=None), figures(6))
    assert set(poor.growth) == {"accepted", "cases", "alert_decisions"}


def test_rows_are_in_the_order_of_the_plan_and_have_what_is_theirs() -> None:
    late, early = accepted(number=9), refused(number=3)
    assert late.report_id
    mine = case()
    rows = rows_of([late, early], {late.report_id: [mine], uuid4(): [case()]}, {})
    assert [row.answer.number for row in rows] == [3, 9]
    assert [list(row.cases) for row in rows] == [[], [mine]]
