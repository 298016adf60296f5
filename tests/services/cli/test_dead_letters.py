"""What the command shows of one dead letter."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from shared.db.database import Database
from shared.messaging.tables import dead_letter
from tests.services.cli.in_process import signpost
from tests.support.postgres import PostgresForTests
from tests.support.web import START


async def _dead_lettered(url: str) -> UUID:
    database, letter = Database(url, application_name="tests"), uuid4()
    row = {
        "id": letter,
        "group_name": "signpost-triage",
        "topic": "intake.abuse-reports.v1",
        "partition": 0,
        "offset": 7,
        "value": b"what the person wrote",
        "headers": "[]",
        "appended_at": START,
        "error_class": "KeyError",
        "attempts": 1,
        "recorded_at": START,
    }
    async with database.transaction() as session:
        await session.execute(insert(dead_letter).values(row))
    await database.close()
    return letter


async def _walk(postgres: PostgresForTests, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Show, replay, discard and show again; return what was printed."""
    async with postgres.fresh("triage") as url:
        letter = await _dead_lettered(url)
        monkeypatch.setattr("services.cli.database.database_url", lambda _service: url)
        commands = (
            ("show", "triage", str(letter)),
            ("replay", "triage", str(letter), "--reason", "mended"),
            ("discard", "triage", str(letter), "--reason", "no"),
            ("show", "triage", str(letter)),
        )
        return [(await signpost("dead-letters", *command)).output for command in commands]


async def test_one_is_shown_with_what_was_done_and_who_asked_first(
    postgres: PostgresForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, replayed, discarded, last = await _walk(postgres, monkeypatch)
    assert "KeyError" in first
    assert "what the person wrote" not in first
    assert "Replay asked for" in replayed
    assert "asked for it to be replayed at" in " ".join(discarded.split())
    assert "replay asked by" in last
    assert "mended" in last
    assert "discard asked" not in last
