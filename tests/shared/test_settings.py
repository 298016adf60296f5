"""A setting that is missing, malformed or unknown stops the start with its name, and never with its value."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.intake.settings import IntakeSettings
from shared.auth.permissions import Role
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


@pytest.mark.parametrize(("written", "seconds"), [("90", 90), ("0.5", 0.5), ("PT1M30S", 90), ("P1D", 86_400)])
def test_a_duration_is_written_in_seconds_or_as_iso_8601(
    environment: pytest.MonkeyPatch, written: str, seconds: float
) -> None:
    environment.setenv("SIGNPOST_OIDC_LEEWAY", written)
    assert load(ServiceSettings).oidc_leeway == timedelta(seconds=seconds)


@pytest.mark.parametrize("nonsense", ["soon", "-5", "nan", "1e400"])
def test_a_duration_that_is_none_is_refused_by_name(environment: pytest.MonkeyPatch, nonsense: str) -> None:
    environment.setenv("SIGNPOST_OIDC_LEEWAY", nonsense)
    with pytest.raises(InvalidSettings, match="SIGNPOST_OIDC_LEEWAY: is malformed"):
        load(ServiceSettings)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(InvalidSettings, match="SIGNPOST_ALERT_DOMAIN"):
        refuse_unknown([ServiceSettings], {"SIGNPOST_ALERT_DOMAIN": "example.org", "PATH": "/bin"})
    refuse_unknown([ServiceSettings], {"SIGNPOST_PUBLIC_URL": "http://localhost", "SIGNPOST_DATA_DIR": "data"})
    refuse_unknown([ServiceSettings], {"SIGNPOST_NOTIFIER_POLICY_VERSION": "2025-07-29"})


def test_each_purpose_has_a_key_of_its_own(environment: pytest.MonkeyPatch) -> None:
    del environment
    settings = load(ServiceSettings)
    assert settings.derive_keys("csrf") == load(ServiceSettings).derive_keys("csrf")
    assert settings.derive_keys("csrf") != settings.derive_keys("receipts")
    assert len(settings.derive_keys("csrf").first) == 32


def test_a_secret_does_not_show_when_settings_are_printed(environment: pytest.MonkeyPatch) -> None:
    del environment
    assert SECRET not in repr(load(ServiceSettings))


def test_groups_become_roles_as_a_list_or_as_json(environment: pytest.MonkeyPatch) -> None:
    expected = (("Signpost SMART", Role.SMART_RESPONDER), ("comms", Role.COMMS), ("comms", Role.ACCOUNT_OWNER))
    for written in (
        "Signpost SMART=smart_responder, comms=comms, comms=account_owner",
        '{"Signpost SMART": "smart_responder", "comms": ["comms", "account_owner"]}',
    ):
        environment.setenv("SIGNPOST_OIDC_ROLES", written)
        assert load(ServiceSettings).oidc_roles == expected


@pytest.mark.parametrize(("written", "separator"), [(None, None), ("", None), (",", ","), (" ", " ")])
def test_a_setting_says_what_separates_groups(
    environment: pytest.MonkeyPatch, written: str | None, separator: str | None
) -> None:
    environment.setenv("SIGNPOST_OIDC_ISSUER", "http://localhost:8080/realms/department")
    if written is not None:
        environment.setenv("SIGNPOST_OIDC_ROLE_SEPARATOR", written)
    provider = load(ServiceSettings).provider
    assert provider is not None
    assert provider.role_separator == separator


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("OIDC_ALGORITHMS", "RS256,HS256", "must be some of RS256, ES256, EdDSA"),
        ("OIDC_ALGORITHMS", "none", "must be some of"),
        ("OIDC_ALGORITHMS", "", "must be some of"),
        ("OIDC_ISSUER", "http://id.example.org", "must be an https:// address"),
        ("OIDC_ISSUER", "https://id.example.org?x=1", "must be an https:// address"),
        ("OIDC_ROLES", "group=god", "is malformed"),
        ("OIDC_ROLES", "{", "is malformed"),
        ("PERSONAS_FILE", "personas.yaml", "works only where SIGNPOST_PUBLIC_URL is this machine"),
    ],
)
def test_a_provider_that_could_not_be_trusted_stops_the_start(
    environment: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    environment.setenv("SIGNPOST_PUBLIC_URL", "https://signpost.example.org")
    environment.setenv(f"SIGNPOST_{name}", value)
    with pytest.raises(InvalidSettings, match=f"SIGNPOST_{name}: {reason}"):
        load(ServiceSettings)


def test_choosing_who_one_is_stands_never_beside_a_provider(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SIGNPOST_OIDC_ISSUER", "http://localhost:8080/realms/department")
    environment.setenv("SIGNPOST_PERSONAS_FILE", "personas.yaml")
    with pytest.raises(InvalidSettings, match="PERSONAS_FILE: cannot be set together with SIGNPOST_OIDC_ISSUER"):
        load(ServiceSettings)


def test_a_provider_needs_to_know_our_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SIGNPOST_INTAKE_DATABASE_URL", "postgresql+asyncpg://")
    environment.setenv("SIGNPOST_OIDC_ISSUER", "http://localhost:8080/realms/department")
    with pytest.raises(InvalidSettings, match="SIGNPOST_OIDC_CLIENT_ID: is needed with SIGNPOST_OIDC_ISSUER"):
        load(IntakeSettings)
