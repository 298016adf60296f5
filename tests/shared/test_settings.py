"""A setting that is missing, malformed or unknown stops the start with its name, and never with its value."""

from pathlib import Path

import pytest

from shared.settings import InvalidSettings, ServiceSettings, load, refuse_unknown

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SIGNPOST_SECRET_KEY", SECRET)
    monkeypatch.setenv("SIGNPOST_VERIFY_KEY_FILE", str(tmp_path / "verify.pem"))
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SIGNPOST_PUBLIC_URL", "https://signpost.example.org")
    assert load(ServiceSettings).public_url == "https://signpost.example.org"
    assert load(ServiceSettings).secure


def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SIGNPOST_SECRET_KEY")
    with pytest.raises(InvalidSettings, match="SIGNPOST_SECRET_KEY: is missing"):
        load(ServiceSettings)


def test_a_malformed_setting_is_named_and_not_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SIGNPOST_SECRET_KEY", "short-canary")
    with pytest.raises(InvalidSettings) as refused:
        load(ServiceSettings)
    assert "SIGNPOST_SECRET_KEY: is malformed" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(InvalidSettings, match="SIGNPOST_ALERT_DOMAIN"):
        refuse_unknown([ServiceSettings], {"SIGNPOST_ALERT_DOMAIN": "example.org", "PATH": "/bin"})
    refuse_unknown([ServiceSettings], {"SIGNPOST_PUBLIC_URL": "http://localhost", "SIGNPOST_DATA_DIR": "data"})


def test_each_purpose_has_a_key_of_its_own(environment: pytest.MonkeyPatch) -> None:
    del environment
    settings = load(ServiceSettings)
    assert settings.derive_key("csrf") == load(ServiceSettings).derive_key("csrf")
    assert settings.derive_key("csrf") != settings.derive_key("receipts")
    assert len(settings.derive_key("csrf")) == 32


def test_a_secret_does_not_show_when_settings_are_printed(environment: pytest.MonkeyPatch) -> None:
    del environment
    assert SECRET not in repr(load(ServiceSettings))
