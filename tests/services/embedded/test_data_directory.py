"""The data directory makes its files once, and says plainly when one of them is damaged."""

from pathlib import Path

import pytest

from services.embedded.data_directory import AlreadyRunning, DataDirectory, DataDirectoryUnusable


def test_secrets_are_made_once_and_are_the_owners_alone(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    directory.prepare()
    password = directory.password("triage")
    directory.prepare()
    assert directory.password("triage") == password
    assert len({directory.password(role) for role in ("intake", "triage", "registry", "notifier", "log")}) == 5
    assert (directory.path / "secrets.json").stat().st_mode & 0o077 == 0


def test_damaged_secrets_are_one_clear_line(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    directory.prepare()
    (directory.path / "secrets.json").write_text('{"triage": ')
    with pytest.raises(DataDirectoryUnusable, match="put it back"):
        directory.password("triage")


def test_one_process_holds_the_directory_at_a_time(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    with directory.held(), pytest.raises(AlreadyRunning), directory.held():
        pass
    with directory.held():
        pass
