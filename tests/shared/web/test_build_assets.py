"""Installing the assets: the work around npm, which is not run here."""

import json
from pathlib import Path

import pytest

from shared.web import build_assets

_HERE = Path(build_assets.__file__).parent


def test_the_lock_file_names_no_address() -> None:
    lock = (_HERE / "package-lock.json").read_text(encoding="utf-8")
    assert "http" not in lock
    installed = {name: entry for name, entry in json.loads(lock)["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in installed.values())
    assert installed["node_modules/govuk-frontend"]["version"] == "6.3.0"


def test_what_is_up_to_date_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Path] = []
    monkeypatch.setattr(build_assets, "_install", runs.append)
    monkeypatch.setattr(build_assets, "_copy", lambda _folder, target: target.mkdir(exist_ok=True))
    target = tmp_path / "assets"
    assert build_assets.build(_HERE, target) is True
    assert build_assets.build(_HERE, target) is False
    assert len(runs) == 1


def test_a_changed_lock_file_installs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_assets, "_install", lambda _folder: None)
    monkeypatch.setattr(build_assets, "_copy", lambda _folder, target: target.mkdir(exist_ok=True))
    for name in ("package.json", "package-lock.json", ".npmrc"):
        (tmp_path / name).write_bytes((_HERE / name).read_bytes())
    assert build_assets.build(tmp_path, tmp_path / "assets")
    (tmp_path / "package-lock.json").write_text("{}", encoding="utf-8")
    assert build_assets.build(tmp_path, tmp_path / "assets")


def test_without_npm_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(build_assets, "_TARGET", tmp_path / "assets")
    assert build_assets.main() == 1
    assert "Install Node.js" in capsys.readouterr().err
