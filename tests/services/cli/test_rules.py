"""`signpost rules`, in this process and against a database of its own."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

import services.cli.decisions
from services.triage.routing.domain import RuleBook
from services.triage.rules.domain import Backtest, Window, compare
from services.triage.rules.queries import past
from shared.db.database import Database
from tests.services.cli.in_process import found_by_settings, signpost
from tests.services.triage.builders import NOW, enquiry, exception, incident, misuse, open_cases, report
from tests.services.triage.rules.books import EVERYTHING_TO_THE_DESK, RECORDINGS_TO_SIRT, RULE_WITH_A_TYPO, book_with
from tests.support.postgres import PostgresForTests

SINCE = ("--since", "2026-11-01")


class AMinuteLater:
    """A clock that shows a minute after every decision of these tests."""

    def now(self) -> datetime:
        return NOW + timedelta(minutes=1)


@pytest.fixture
async def database(
    postgres: PostgresForTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """A triage database that commands find through their settings."""
    monkeypatch.setattr(services.cli.decisions, "SystemClock", AMinuteLater)
    async with found_by_settings("triage", postgres, tmp_path, monkeypatch) as database:
        yield database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def book(folder: Path, *changes: tuple[str, str]) -> str:
    path = folder / "candidate.yaml"
    path.write_text(book_with(*changes), "utf-8")
    return str(path)


async def test_backtest_says_what_would_differ_and_changes_nothing(database: Database, folder: Path) -> None:
    moved = report(behaviours=("unauthorised_recording",))
    await open_cases(database, moved, report(), misuse(), incident(), enquiry(), exception())
    run = await signpost("rules", "backtest", *SINCE, "--book", book(folder, RECORDINGS_TO_SIRT), "--json")
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert (told["replayed"], told["differ"], told["complete"]) == (6, 1, True)
    assert told["since"] == "2026-11-01T00:00:00+00:00"
    same = "unauthorised-recording"
    assert told["rules"] == [{"from": same, "to": same, "count": 1, "examples": [moved.reference]}]
    assert told["teams"] == [{"from": "smart", "to": "sirt", "count": 1}]
    assert told["moved_by_people"] == {
        "moved": 0,
        "would_have_gone_there": 0,
        "would_leave_where_people_left_it": 1,
    }
    again = await signpost("rules", "backtest", *SINCE, "--book", book(folder))
    assert again.exit_code == 0
    assert "6 decisions since 2026-11-01, 0 would differ" in again.stdout


async def test_backtest_is_read_by_people_too(database: Database, folder: Path) -> None:
    told = [misuse(subject={"staff_id": f"S700{number}"}) for number in range(3)]
    await open_cases(database, *told)
    run = await signpost("rules", "backtest", *SINCE, "--book", book(folder, EVERYTHING_TO_THE_DESK), "--examples", "2")
    assert run.exit_code == 0
    for words in ("By rule", "desk-first", "line_manager", "triage_desk", "Moved by people", "people left it: 3"):
        assert words in run.stdout
    assert sum(one.reference in run.stdout for one in told) == 2


async def test_backtest_refuses_a_book_with_a_mistake_by_its_place(folder: Path) -> None:
    run = await signpost("rules", "backtest", *SINCE, "--book", book(folder, RULE_WITH_A_TYPO))
    line = book_with(RULE_WITH_A_TYPO).partition("eerlier")[0].count("\n") + 1
    assert run.exit_code == 2
    assert f"Rule repeated-account, line {line}, column 37: " in run.stderr


async def test_backtest_interrupted_says_what_it_knows(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(session: AsyncSession, book: RuleBook, window: Window, into: Backtest, **_: object) -> None:
        found, _position = await past(session, None, window, None, 1)
        into.add(compare(one, book) for one in found)
        raise KeyboardInterrupt

    await open_cases(database, report(), report())
    monkeypatch.setattr(services.cli.decisions, "replay", interrupted)
    run = await signpost("rules", "backtest", *SINCE, "--book", book(folder), "--json")
    assert run.exit_code == 130
    assert (json.loads(run.stdout)["replayed"], json.loads(run.stdout)["complete"]) == (1, False)
    assert "Interrupted" in run.stderr


async def test_every_kind_of_report_is_explained(database: Database) -> None:
    told = report(), misuse(), incident(), enquiry(), exception()
    await open_cases(database, *told)
    for one in told:
        run = await signpost("rules", "explain", one.reference)
        assert run.exit_code == 0
        assert f"{one.reference}: Sent to " in run.stdout
        assert '"form"' in run.stdout
        assert "people_affected" not in run.stdout
    unknown = await signpost("rules", "explain", "SP-0000-0000")
    assert unknown.exit_code == 2
    assert "no case of SP-0000-0000" in unknown.stderr


async def test_check_counts_the_rules_or_names_the_mistake(folder: Path) -> None:
    good = json.loads((await signpost("rules", "check", "--json")).stdout)
    assert good["mistake"] is None
    assert good["rules"]["by state"]["shadow"] == 1
    assert set(good["rules"]["by team"]) >= {"smart", "sirt", "line_manager", "advice_centre", "policy_standards"}
    run = await signpost("rules", "check", book(folder, RULE_WITH_A_TYPO), "--json")
    assert run.exit_code == 1
    assert json.loads(run.stdout)["mistake"]["rule"] == "repeated-account"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("policy: a\nrules: [\n", "The file, line 2, column 9: "),
        (book_with(("low: {high: P3, medium: P4, low: P4}", "low: {high: P3, medium: P4}")), "The part matrix, line "),
        (book_with(RULE_WITH_A_TYPO), "Rule repeated-account, line "),
    ],
    ids=["no book", "a part", "a rule"],
)
async def test_check_says_what_is_wrong_as_the_page_does(folder: Path, text: str, words: str) -> None:
    path = folder / "candidate.yaml"
    path.write_text(text, "utf-8")
    run = await signpost("rules", "check", str(path))
    assert run.exit_code == 1
    assert run.stdout.startswith(words)
    assert "(in container" not in run.stdout


async def test_a_day_that_is_none_is_refused(folder: Path) -> None:
    run = await signpost("rules", "backtest", "--since", "2026-02-30", "--book", book(folder))
    assert run.exit_code == 2
    assert "2026-02-30" in run.stderr
