"""`signpost audit searches`, against a database of its own."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.triage.search.handlers import note_search
from shared.events.vocabulary import Team
from tests.services.cli.in_process import found_by_settings, signpost
from tests.services.triage.builders import IDS, NOW, viewer
from tests.support.postgres import PostgresForTests


async def test_who_searched_and_when_is_listed_newest_first(
    postgres: PostgresForTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with found_by_settings("triage", postgres, tmp_path, monkeypatch) as database:
        async with database.transaction() as session:
            for days, subject in ((9, "S4001"), (1, "S4002"), (0, "S4001")):
                at: datetime = NOW - timedelta(days=days)
                await note_search(session, viewer(Team.SMART, subject=subject), days, at, IDS)
        run = await signpost("audit", "searches", "--json")
        assert run.exit_code == 0, run.output
        assert [(one["staff_id"], one["found"]) for one in json.loads(run.stdout)] == [
            ("S4001", 0),
            ("S4002", 1),
            ("S4001", 9),
        ]
        of_one = await signpost("audit", "searches", "S4001", "--since", "2026-11-20")
        assert of_one.stdout == "2026-11-23T10:00:00+00:00  S4001  0\n"
