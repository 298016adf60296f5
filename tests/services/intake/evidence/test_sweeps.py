"""What the sweeps of evidence hold while they wait, and what they do while the store does not answer."""

import io
from collections.abc import Iterable
from datetime import timedelta

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from services.intake import app
from services.intake.evidence.objects import Objects
from services.intake.media.clamd import Scanner
from shared.db.sweep import Sweep
from shared.events.vocabulary import Scan
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import objects, rows, send
from tests.services.intake.evidence.test_safety import real_time
from tests.services.intake.evidence.test_store import bring_back, take_away
from tests.services.intake.evidence.test_tus import create, parts_of, resume
from tests.services.intake.tracking.test_follow import reported

SWEEPS = ("intake-uploads", "intake-orphans", "intake-scans")


async def sweep(intake: Intake) -> list[int]:
    """Run each sweep of evidence once, as the service does."""
    roles = {role.name: role for role in app._roles(parts_of(intake))}  # type: ignore[arg-type]  # they are intake's
    found = [roles[name] for name in SWEEPS]
    return [await one._sweep_once() for one in found if isinstance(one, Sweep)]


async def something_due(intake: Intake, client: AsyncClient) -> None:
    """Leave an upload that has expired, an object that no row names, and a piece that was not scanned."""
    report = await reported(client, intake.token())
    made = await create(client, 100, intake.token(), reference=report["reference"])
    await resume(client, made.headers["location"], 0, b"begun")
    await parts_of(intake).objects.put("uploads/lost", b"x")
    await send(client, report, intake.token())
    object.__setattr__(parts_of(intake), "scanner", Scanner("/no/clamd"))
    intake.clock.time = await real_time(intake) + timedelta(hours=2)


async def test_nothing_is_held_while_the_store_or_the_scanner_is_asked(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await something_due(intake, client)
    delete, held = Objects.delete, list[tuple[str, int]]()

    def note(what: str) -> None:
        held.append((what, intake.database.engine.pool.checkedout()))  # type: ignore[attr-defined]  # of a pool

    async def deleted(these: Objects, names: Iterable[str]) -> None:
        note("delete")
        await delete(these, names)

    async def scanned(_scanner: Scanner, _stream: io.BufferedReader) -> Scan:
        note("scan")
        return Scan.CLEAN

    monkeypatch.setattr(Objects, "delete", deleted)
    monkeypatch.setattr(Scanner, "scan", scanned)
    assert await sweep(intake) == [2, 0, 1], "the upload that expired, and the one that is evidence"
    assert held == [("delete", 0), ("delete", 0), ("scan", 0)]
    assert [name.split("/")[0] for name in objects(intake)] == ["evidence"]


async def test_while_the_store_does_not_answer_sweeps_wait_and_the_service_stays_ready(
    intake: Intake, client: AsyncClient
) -> None:
    await something_due(intake, client)
    take_away(intake)
    with capture_logs() as logs:
        assert await sweep(intake) == [0, 0, 1], "a piece that cannot be read stays unscanned, and waits its turn"
    waits = [one["sweep"] for one in logs if one["event"] == "store_waits"]
    assert waits[0] == "forget_uploads"
    assert len(waits) == len(set(waits))
    bring_back(intake)
    assert await sweep(intake) == [2, 0, 0]
    assert ([name.split("/")[0] for name in objects(intake)], await rows(intake, "upload")) == (["evidence"], 0)
