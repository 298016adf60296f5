"""A command that is called wrongly says why in one plain line, and exits with 2."""

from importlib import import_module
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from services.cli import main
from tests.services.cli.in_process import lead_commands_to

ID = "01890a5d-ac96-774b-bcce-b302099a8001"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("nonsense", "no such command 'nonsense'; see `signpost --help`"),
        ("reconcile --foo", "no such option: --foo; see `signpost reconcile --help`"),
        ("reconcile --wait -3", "wrong value for '--wait': it has to be greater than or equal to 0"),
        ("dead-letters show triage nope", "wrong value for 'dead_letter': it is not an id as lists show it"),
        (f"dead-letters replay triage {ID}", "missing option '--reason'; see `signpost dead-letters replay --help`"),
        ("rules backtest --since foo", "'foo' is not a date such as 2026-01-31"),
        ("token --role nobody", "'nobody' is not one of 'reporter', "),
        ("serve foo", "'foo' is not one of 'intake', 'triage', 'registry', 'notifier'"),
    ],
)
def test_a_wrong_argument_is_one_line(
    arguments: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["signpost", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.startswith("signpost: ")
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not any(raw in said.err for raw in ("Value error", "Input should", "Usage"))


def test_a_database_that_does_not_serve_for_now_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def starting(*_: object, **__: object) -> None:
        reason = asyncpg.CannotConnectNowError("canary")
        raise DBAPIError("canary", {}, reason)

    monkeypatch.setattr(import_module("services.cli.main"), "command_line", lambda _arguments: starting)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.err == ("signpost: the database is not ready (CannotConnectNowError); try again in a moment\n")


def test_help_is_no_mistake(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["signpost", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    assert "reconcile" in capsys.readouterr().out


def test_a_database_that_is_away_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = "postgresql+asyncpg://intake:hidden@127.0.0.1:1/intake"
    lead_commands_to(nowhere, "intake", tmp_path, monkeypatch)
    monkeypatch.setattr("sys.argv", ["signpost", "migrate", "intake"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.err.startswith("signpost: the database intake cannot be reached: Connection refused; check that ")
    assert said.err.count("\n") == 1
    assert "hidden" not in said.err
