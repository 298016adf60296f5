"""What is printed: a line for each report, or for each scenario where there are many, and the sums."""

import io
import json

from rich.console import Console

from services.cli.demo.outcome import Outcome, Row
from services.cli.demo.showing import MOST_ROWS, as_json, show
from shared.events.vocabulary import AlertPurpose, Team
from tests.services.cli.demo.building import REFERENCE, accepted, alert, case, figures, outcome, refused


def printed(shown: Outcome) -> str:
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
    text = printed(outcome(rows, figures(0), figures(1)))
    line = next(line for line in text.splitlines() if REFERENCE in line)
    assert line.split() == [*f"1 abuse:doxing {REFERENCE} 201 SMART the reporter's manager ✓".split()]
    assert "2    malformed:truncated" in text
    assert "Sent 2 = accepted 1 + refused 1" in text
    assert "accepted +1, published +1, cases +1, alert decisions +1" in text
    assert "Everything adds up." in text


def test_many_reports_have_a_line_for_each_scenario() -> None:
    text = printed(outcome(mixed(MOST_ROWS + 1), figures(0), figures(MOST_ROWS)))
    assert REFERENCE not in text.partition("Sent")[0]
    line = next(line for line in text.splitlines() if line.strip().startswith("abuse:doxing"))
    assert line.split()[:6] == ["abuse:doxing", "200", "200", "0", "SMART", "+"]
    assert "the reporter's manager 200" in line


def test_where_nobody_was_told_that_is_said_of_what_was_accepted() -> None:
    lines = printed(outcome([Row(accepted(), [case()]), Row(refused())], figures(0), figures(1))).splitlines()
    assert ["nobody" in line for line in lines if "abuse:doxing" in line or "malformed" in line] == [True, False]


def test_what_does_not_add_up_is_said_and_marked() -> None:
    text = printed(outcome([Row(accepted(), [case(Team.SIRT)])], figures(0), figures(1)))
    assert "This does not add up:" in text
    assert f"{REFERENCE} (abuse:doxing) is with sirt instead of smart" in text
    assert "✗" in text
    assert "Everything adds up." not in text


def test_a_long_list_of_problems_is_cut_and_counted() -> None:
    rows = [Row(accepted(number=n)) for n in range(1, 51)]
    text = printed(outcome(rows, figures(0), figures(50)))
    assert text.count("has no case") == 20
    assert "and 31 more" in text


def test_an_interrupted_demo_says_so() -> None:
    assert "Interrupted" in printed(outcome(mixed(3), figures(0), figures(2), interrupted=True))


def test_programs_get_all_of_it() -> None:
    told = json.loads(json.dumps(as_json(outcome(mixed(3), figures(7), figures(9)))))
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
