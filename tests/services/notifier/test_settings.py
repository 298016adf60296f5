"""Impossible settings stop the start with their name."""

from datetime import time
from pathlib import Path

import pytest

from services.notifier.delivery.domain import MessageClass
from services.notifier.settings import NotifierSettings
from shared.events.vocabulary import AlertPurpose
from shared.settings import InvalidSettings, load

KEY = "tests-3d844edf-8d35-48ac-975b-e847b4f122b0-8b3aa916-ec82-434e-b0c5-d5d9b371d6a3"


@pytest.fixture(autouse=True)
def _minimum(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGNPOST_SECRET_KEY", "s" * 40)
    monkeypatch.setenv("SIGNPOST_VERIFY_KEY_FILE", str(tmp_path / "key.pem"))
    monkeypatch.setenv("SIGNPOST_NOTIFIER_DATABASE_URL", "postgresql+asyncpg:///notifier")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOTIFIER_TEAM_MAILBOXES", "smart=a@example.org"),
        ("NOTIFIER_TEAM_MAILBOXES", "triage_desk=nowhere"),
        ("NOTIFIER_LEAD_MAILBOXES", "triage_desk=a@example.org,nobody=b@example.org"),
        ("NOTIFIER_ON_CALL_MAILBOXES", "x"),
        ("NOTIFIER_DIGEST_PURPOSES", "everything"),
        ("NOTIFIER_DIGEST_TIMES", "25:00"),
        ("NOTIFIER_NOTIFY_CLASSES", "everybody"),
        ("NOTIFIER_STORM_AFTER", "0"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"SIGNPOST_{name}", value)
    with pytest.raises(InvalidSettings, match=f"^SIGNPOST_{name}: is malformed"):
        load(NotifierSettings)


def test_notify_without_a_key_and_a_template_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNPOST_NOTIFIER_NOTIFY_CLASSES", "team")
    with pytest.raises(InvalidSettings, match="SIGNPOST_NOTIFIER_NOTIFY_TEMPLATE_ID"):
        load(NotifierSettings)
    monkeypatch.setenv("SIGNPOST_NOTIFIER_NOTIFY_API_KEY", KEY)
    monkeypatch.setenv("SIGNPOST_NOTIFIER_NOTIFY_TEMPLATE_ID", "template")
    assert load(NotifierSettings).notifier_notify_classes == (MessageClass.TEAM,)


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNPOST_NOTIFIER_DIGEST_PURPOSES", "review_due, deadline_at_risk")
    monkeypatch.setenv("SIGNPOST_NOTIFIER_DIGEST_TIMES", "08:30,16:00")
    read = load(NotifierSettings)
    assert read.notifier_digest_purposes == (AlertPurpose.REVIEW_DUE, AlertPurpose.DEADLINE_AT_RISK)
    assert read.notifier_digest_times == (time(8, 30), time(16))
