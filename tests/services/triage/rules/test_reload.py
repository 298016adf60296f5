"""The rule book in use follows its file: a valid change is loaded, a wrong one refused with its place."""

import asyncio
from datetime import timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.triage.app import open_service
from services.triage.cases.queries import ids_of_report
from services.triage.reporters.handlers import open_for_reports
from services.triage.routing import rulebook
from services.triage.routing.queries import explain
from services.triage.routing.rulebook import RuleBookRefused, parse, read_text
from services.triage.rules.reload import BookWatch, RuleParts, RunningBook
from services.triage.settings import TriageSettings
from shared.auth.tokens import ensure_key_files
from shared.events.intake import AbuseReportSubmitted
from shared.policy import version
from shared.runtime import parts_in
from tests.services.triage.builders import NOW, WRITER, envelope, report
from tests.services.triage.conftest import SetClock, Triage
from tests.services.triage.rules.books import EVERYTHING_TO_THE_DESK, RULE_WITH_A_TYPO, book_with

SERVICE = "triage"
PLAIN = book_with()
OTHER = book_with(EVERYTHING_TO_THE_DESK)
BROKEN = book_with(RULE_WITH_A_TYPO)
LATER = NOW + timedelta(minutes=5)


def write(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "book.yaml"
    path.write_text(PLAIN, "utf-8")
    return path


def test_a_good_change_decides_from_then_on(file: Path) -> None:
    running = RunningBook(file, NOW)
    write(file, OTHER)
    running.look(LATER)
    assert running().rules[0].id == "desk-first"
    assert (running.loaded_at, running.text, running.refusal) == (LATER, OTHER, None)


def test_a_bad_change_is_refused_with_its_place_and_the_book_stays(file: Path) -> None:
    running = RunningBook(file, NOW)
    before = running()
    write(file, BROKEN)
    with capture_logs() as logs:
        running.look(LATER)
        running.look(LATER + timedelta(minutes=1))
    line = BROKEN.partition("eerlier")[0].count("\n") + 1
    assert running() is before
    assert running.loaded_at == NOW
    assert running.refusal is not None
    assert running.refusal.at == LATER
    told = {"event": "rulebook_refused", "log_level": "error", "rule": "repeated-account", "line": line, "column": 37}
    assert logs == [told]


def test_good_then_bad_then_good_again(file: Path) -> None:
    running = RunningBook(file, NOW)
    for minutes, (text, first, refused) in enumerate(
        [
            (OTHER, "desk-first", False),
            (BROKEN, "desk-first", True),
            ("", "desk-first", True),
            (PLAIN, "misuse-about-union-activity", False),
        ],
        start=1,
    ):
        write(file, text)
        running.look(NOW + timedelta(minutes=minutes))
        assert running().rules[0].id == first
        assert (running.refusal is not None) is refused


def test_a_bad_change_taken_back_is_forgotten_and_nothing_is_loaded_anew(file: Path) -> None:
    running = RunningBook(file, NOW)
    write(file, BROKEN)
    running.look(NOW)
    write(file, PLAIN)
    running.look(LATER)
    assert (running.refusal, running.loaded_at) == (None, NOW)


def test_a_file_that_is_gone_is_said_once_and_forgotten_when_it_is_back(file: Path) -> None:
    running = RunningBook(file, NOW)
    file.unlink()
    with capture_logs() as logs:
        running.look(NOW)
        running.look(LATER)
    assert [entry["rule"] for entry in logs] == ["the_file"]
    assert running.refusal is not None
    assert "No such file" in running.refusal.mistake.reason
    write(file, PLAIN)
    running.look(LATER)
    assert running.refusal is None


def test_without_a_first_book_nothing_starts(file: Path) -> None:
    write(file, BROKEN)
    with pytest.raises(RuleBookRefused):
        RunningBook(file, NOW)


async def test_the_watch_looks_until_it_is_told_to_stop(file: Path) -> None:
    running = RunningBook(file, NOW)
    stop = asyncio.Event()
    watch = BookWatch(running, SetClock(), every=timedelta(hours=1))
    write(file, OTHER)
    task = asyncio.create_task(watch.run(stop))
    await asyncio.sleep(0)
    stop.set()
    await task
    assert running().rules[0].id == "desk-first"
    assert (watch.kind, watch.unready_because) == ("consumer", None)


async def test_triage_watches_the_file_that_its_settings_name(file: Path, tmp_path: Path) -> None:
    _, public = ensure_key_files(tmp_path)
    settings = TriageSettings(
        secret_key=SecretStr("a secret that only tests have, no more"),
        verify_key_file=public,
        event_log="postgres",
        triage_database_url="postgresql+asyncpg://nobody@127.0.0.1:1/nothing",
        triage_rulebook_file=file,
    )
    write(file, OTHER)
    async with open_service(settings, clock=SetClock(), log=AsyncMock()) as service:
        assert parts_in(service.app, RuleParts).rules().rules[0].id == "desk-first"
        assert [role.kind for role in service.roles if isinstance(role, BookWatch)] == ["consumer"]


@pytest.mark.policy("R-a")
async def test_a_decision_keeps_the_book_and_the_policy_that_applied(
    triage: Triage, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, told = RunningBook(file, NOW), [report(), report()]
    await decided_by(running, triage, told[0])
    monkeypatch.setattr(rulebook, "version", lambda: "2027-01-01")
    write(file, f"policy: social-media-policy/2019-01-01\n{OTHER}")
    running.look(LATER)
    await decided_by(running, triage, told[1])
    async with triage.database.transaction() as session:
        cases = [case for one in told for case in (await ids_of_report(session, one.reference)).values()]
        why = {one.rule: one for one in (await explain(session, cases)).values()}
    first, second = why["abuse-of-a-user"], why["desk-first"]
    assert (first.rulebook, first.policy) == (parse(PLAIN).digest, f"social-media-policy/{version()}")
    assert (second.rulebook, second.policy) == (running().digest, "social-media-policy/2027-01-01")


async def decided_by(running: RunningBook, triage: Triage, told: AbuseReportSubmitted) -> None:
    async with triage.database.transaction() as session:
        await open_for_reports(session, [envelope(told)], NOW, rulebook=running, writer=WRITER)


BAD: dict[str, tuple[str, str]] = {
    "a control character": ("policy: x\nimpact: [\x07]", "line 2, column 1: holds a character"),
    "a date that is none": ("policy: 2026-13-45", "holds a date or a number"),
    "a number without end": (f"policy: {'9' * 5000}", "holds a date or a number"),
    "a tag that lies": ("policy: !!int abc", "holds a date or a number"),
    "half a surrogate": ("policy: \ud800", "holds a character"),
    "an empty file": ("", "there is nothing in it"),
    "an object of another language": ("policy: !!python/object:os.system x", "could not determine a constructor"),
    "brackets without end": ("[" * 1500, "is nested too deeply"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_whatever_is_wrong_the_answer_is_a_place_and_a_reason(name: str) -> None:
    text, said = BAD[name]
    with pytest.raises(RuleBookRefused) as refused:
        parse(text)
    assert said in str(refused.value)


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_bytes(b"policy: x\nimpact: caf\xe9\n")
    with pytest.raises(RuleBookRefused, match="line 2, column 1: is not in UTF-8"):
        read_text(path)


def test_the_packaged_book_is_read_as_it_is() -> None:
    assert parse(read_text(rulebook.PACKAGED)).digest == rulebook.load(rulebook.PACKAGED).digest
