"""Which totals agree and which do not, each sum on its own; and what is printed about it."""

import io
import json
from dataclasses import replace
from uuid import uuid4

import pytest
from rich.console import Console

from demo import follow_up
from demo.reports import CREATED, Expectation, Sender
from demo.results import MOST_ROWS, DemoResult, FollowUp, Row, as_json, rows_of, show
from demo.submission import Answer
from shared.auth.permissions import Role
from shared.events.vocabulary import AlertPurpose, Team
from tests.demo.builders import REFERENCE, TO_SMART, accepted, alert, case, figures, refused, result

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
    taken = replace(accepted(), expected=Expectation(422))
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
    misuse = Expectation(CREATED, Team.LINE_MANAGER)
    assert problems(Row(accepted(misuse), [case(Team.TRIAGE_DESK)])) == []
    assert problems(Row(accepted(misuse), [case(Team.SMART)])) == ["is with smart instead of line_manager"]


def test_linked_cases_are_compared_unless_history_decides() -> None:
    with_sirt = replace(TO_SMART, also=frozenset({Team.SIRT}))
    both = [case(), case(Team.SIRT, LINKED)]
    assert problems(Row(accepted(with_sirt), both)) == []
    assert problems(Row(accepted(with_sirt), [case()])) == ["has no linked case of sirt"]
    assert problems(Row(accepted(), both)) == ["has linked cases of sirt, which were not expected"]
    assert problems(Row(accepted(replace(TO_SMART, also=None)), both)) == []


def test_a_wrong_form_that_nobody_noticed_is_a_problem() -> None:
    misdirected = replace(TO_SMART, misdirected=True)
    assert problems(Row(accepted(misdirected), [case()])) == ["was not called misdirected"]
    assert problems(Row(accepted(), [case(misdirected=True)])) == ["was called misdirected"]


def test_who_was_not_told_and_who_should_not_have_been_are_problems() -> None:
    told = replace(TO_SMART, alerted=frozenset({AlertPurpose.ABUSE_REPORTED}))
    untold = replace(TO_SMART, not_alerted=frozenset({AlertPurpose.ABUSE_REPORTED}))
    alerts = [alert(AlertPurpose.ABUSE_REPORTED)]
    assert problems(Row(accepted(told), [case()])) == ["told no one for abuse_reported"]
    assert problems(Row(accepted(told), [case()], alerts)) == []
    assert problems(Row(accepted(untold), [case()], alerts)) == ["told somebody for abuse_reported"]


def test_sums_add_up() -> None:
    whole = result([SOUND, Row(refused())], figures(5), figures(6))
    assert (whole.sent, whole.accepted, whole.refused, whole.unanswered, whole.with_a_case) == (2, 1, 1, 0, 1)
    assert whole.growth == {"accepted": 1, "published": 1, "cases": 1, "alert_decisions": 1}
    assert list(whole.problems()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (result([SOUND], figures(5), replace(figures(6), cases=5)), "the ledger's cases grew by 0"),
        (result([SOUND], figures(5), replace(figures(6), published=5)), "the ledger's published grew by 0"),
        (
            result([SOUND], figures(5), replace(figures(6), alert_decisions=5)),
            "the ledger's alert decisions grew by 0",
        ),
        (result([SOUND], figures(5), figures(7)), "grew by 2: somebody else reports at the same time"),
        (result([SOUND], figures(5), figures(6, unaccounted=1)), "1 are unaccounted for"),
        (result([SOUND], figures(5), figures(6, dead_lettered=1)), "1 were set aside as dead letters"),
        (result([SOUND], figures(5), figures(6, in_flight=1)), "1 are still on their way"),
        (result([SOUND], figures(5), None), "the ledger could not be read afterwards"),
    ],
)
def test_a_ledger_that_says_otherwise_is_a_problem(changed: DemoResult, said: str) -> None:
    assert any(said in problem for problem in changed.problems())


def test_what_was_wrong_before_is_not_held_against_the_demo() -> None:
    before, after = figures(5, dead_lettered=2, unaccounted=1), figures(6, dead_lettered=2, unaccounted=1)
    assert list(result([SOUND], before, after).problems()) == []


def test_one_report_for_two_requests_is_a_problem() -> None:
    same = uuid4()
    rows = [Row(accepted(number=n, report_id=same), [case()]) for n in (1, 2)]
    assert "2 were accepted, and 1 different reports have a case" in list(
        result(rows, figures(0), figures(2)).problems()
    )


def test_figures_that_a_source_does_not_have_are_left_out() -> None:
    poor = result([SOUND], replace(figures(5), published=None), figures(6))
    assert set(poor.growth) == {"accepted", "cases", "alert_decisions"}


def test_rows_are_in_the_order_of_the_plan_and_have_what_is_theirs() -> None:
    late, early = accepted(number=9), refused(number=3)
    assert late.report_id
    mine = case()
    rows = rows_of([late, early], {late.report_id: [mine], uuid4(): [case()]}, {})
    assert [row.answer.number for row in rows] == [3, 9]
    assert [list(row.cases) for row in rows] == [[], [mine]]


def printed(shown: DemoResult) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(shown, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def mixed(count: int) -> list[Row]:
    told = [alert(AlertPurpose.ABUSE_REPORTED)]
    taken = [Row(accepted(number=n), [case(), case(Team.SIRT, f"{REFERENCE}-2")], told) for n in range(1, count)]
    return [*taken, Row(refused(number=count))]


def test_each_report_has_its_line() -> None:
    rows = [Row(accepted(number=1), [case()], [alert(AlertPurpose.ABUSE_REPORTED)]), Row(refused())]
    text = printed(result(rows, figures(0), figures(1)))
    line = next(line for line in text.splitlines() if REFERENCE in line)
    assert line.split() == [*f"1 abuse:doxing {REFERENCE} 201 SMART the reporter's manager ✓".split()]
    assert "2    malformed:truncated" in text
    assert "Sent 2 = accepted 1 + refused 1" in text
    assert "accepted +1, published +1, cases +1, alert decisions +1" in text
    assert "Everything adds up." in text


def test_many_reports_have_a_line_for_each_scenario() -> None:
    text = printed(result(mixed(MOST_ROWS + 1), figures(0), figures(MOST_ROWS)))
    assert REFERENCE not in text.partition("Sent")[0]
    line = next(line for line in text.splitlines() if line.strip().startswith("abuse:doxing"))
    assert line.split()[:6] == ["abuse:doxing", "200", "200", "0", "SMART", "+"]
    assert "the reporter's manager 200" in line


def test_where_nobody_was_told_that_is_said_of_what_was_accepted() -> None:
    lines = printed(result([Row(accepted(), [case()]), Row(refused())], figures(0), figures(1))).splitlines()
    assert ["no one" in line for line in lines if "abuse:doxing" in line or "malformed" in line] == [True, False]


def test_what_does_not_add_up_is_said_and_marked() -> None:
    text = printed(result([Row(accepted(), [case(Team.SIRT)])], figures(0), figures(1)))
    assert "This does not add up:" in text
    assert f"{REFERENCE} (abuse:doxing) is with sirt instead of smart" in text
    assert "✗" in text
    assert "Everything adds up." not in text


def test_a_long_list_of_problems_is_cut_and_counted() -> None:
    rows = [Row(accepted(number=n)) for n in range(1, 51)]
    text = printed(result(rows, figures(0), figures(50)))
    assert text.count("has no case") == 20
    assert "and 31 more" in text


def test_an_interrupted_demo_says_so() -> None:
    assert "Interrupted" in printed(result(mixed(3), figures(0), figures(2), interrupted=True))


def test_programs_get_all_of_it() -> None:
    told = json.loads(json.dumps(as_json(result(mixed(3), figures(7), figures(9)))))
    assert {key: told[key] for key in ("sent", "accepted", "refused", "unanswered", "with_a_case")} == {
        "sent": 3,
        "accepted": 2,
        "refused": 1,
        "unanswered": 0,
        "with_a_case": 2,
    }
    assert told["ledger"]["grew"] == {"accepted": 2, "published": 2, "cases": 2, "alert_decisions": 2}
    assert [row["status"] for row in told["reports"]] == [201, 201, 422]
    assert told["reports"][0]["cases"][1]["reference"] == f"{REFERENCE}-2"
    assert told["by_scenario"][0] == {
        "scenario": "abuse:doxing",
        "sent": 2,
        "accepted": 2,
        "statuses": {"201": 2},
        "teams": {"smart": 2, "sirt": 2},
        "told": {"reporters_manager": 2},
    }


def test_what_did_not_come_in_time_is_called_late_and_not_wrong() -> None:
    told = replace(TO_SMART, alerted=frozenset({AlertPurpose.ABUSE_REPORTED}), also=frozenset({Team.SIRT}))
    rows = [Row(accepted(told, 1)), Row(accepted(told, 2), [case()]), Row(refused(number=3))]
    late = DemoResult(rows, figures(0), figures(1, in_flight=1), "database", waited=60)
    assert list(late.wrong()) == []
    assert {problem.removeprefix(f"{REFERENCE} (abuse:doxing) ") for problem in late.late()} >= {
        "has no case within 60 s",
        "has no linked case of sirt within 60 s",
        "told no one for abuse_reported within 60 s",
        "1 are still on their way",
    }
    said = printed(late)
    assert "Not there within 60 s. It may still come" in said
    for word in ("This does not add up", "✗", "nobody\n", "Everything adds up"):
        assert word not in said
    wrong = DemoResult([*rows, Row(accepted(), [case(Team.SIRT)])], figures(0), figures(2), "database", waited=60)
    assert list(late.problems()), "the command still ends with a failure"
    assert "✗" in printed(wrong)


def test_a_report_whose_outcome_no_one_looked_at_again_does_not_add_up() -> None:
    followed = replace(
        result([SOUND], figures(0), figures(1)), waited=60, followed=[FollowUp("SP-1"), FollowUp("SP-2")]
    )
    assert list(followed.problems()) == []
    lost = replace(followed, followed=[FollowUp("SP-1"), FollowUp(REFERENCE, "the decision")])
    assert list(lost.late()) == [f"{REFERENCE} was to be followed up, and the decision is missing within 60 s"]
    assert as_json(lost)["followed_up"] == 1


def test_some_reports_with_one_case_of_smart_by_people_who_signed_in_are_followed_up() -> None:
    signed = [replace(accepted(number=n), sender=Sender(Role.REPORTER, f"S100{n}")) for n in range(10)]
    fit = [Row(answer, [case()]) for answer in signed]
    others = [
        Row(signed[0], [case(Team.SIRT)]),
        Row(signed[0], [case(), case(Team.SIRT, LINKED)]),
        Row(accepted(), [case()]),
        Row(replace(signed[0], sender=follow_up.RESPONDER), [case()]),
        Row(refused()),
    ]
    assert [row.answer.number for row in follow_up.chosen([*others, *fit])] == [0, 8]
    assert follow_up.chosen(others) == []
