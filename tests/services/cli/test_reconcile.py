"""`signpost reconcile` counts what was added to reports: what triage never heard of is found, whatever it is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.cli import reconcile
from services.cli.reconcile import Additions
from services.intake.evidence import queries as evidence
from services.intake.ledger.domain import GRACE
from shared.auth.permissions import Role
from shared.db.database import Database
from tests.authorisation.world import DANIEL, OPEN, World, opened
from tests.authorisation.world import GRACE as GRACE_OKAFOR
from tests.support.postgres import PostgresForTests

_LOSE = text("delete from outbox where type = :type and published_at is null")
_LETTER = text(
    'insert into dead_letter (id, group_name, topic, partition, "offset", report_id, headers, appended_at, '
    "error_class, attempts, recorded_at) values (:report_id, 'signpost-triage', 'reports.abuse', 0, 0, :report_id, "
    "'[]', :now, 'ValueError', 1, :now)"
)


@pytest.fixture
async def world(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(postgres, tmp_path) as built:
        await built.add({"own": OPEN["own"]})
        yield built


async def counted(world: World, *, later: timedelta = timedelta(0)) -> Additions:
    intake, triage = (world.services[name].database for name in ("intake", "triage"))
    return (await reconcile.count_additions(intake, triage, world.clock.now() + later)).additions


async def send(world: World, what: str) -> None:
    """Add something to the report, and let no service hear of it yet."""
    address = f"/report/api/v1/reports/{world.references['own']}"
    headers = world.bearer(Role.REPORTER, GRACE_OKAFOR)
    async with world.client() as client:
        if what == "message.sent.v1":
            answer = await client.post(f"{address}/messages", json={"text": "They did it again"}, headers=headers)
        elif what == "evidence.added.v1":
            said = {"file": ("said.txt", b"They wrote it again.")}
            answer = await client.post(f"{address}/evidence", files=said, headers=headers)
        else:
            answer = await client.post(f"{address}/review", json={"reason": "Please look again"}, headers=headers)
    assert answer.status_code == 201, answer.text


async def resolve(world: World) -> None:
    case, headers = f"/cases/api/v1/cases/{world.ids['case:own']}", world.bearer(Role.SMART_LEAD, DANIEL)
    async with world.client() as client:
        version = (await client.get(case, headers=headers)).headers["etag"]
        version = (await client.post(f"{case}/claim", headers={**headers, "if-match": version})).headers["etag"]
        body = {"outcome": "support_given"}
        answer = await client.post(f"{case}/resolve", json=body, headers={**headers, "if-match": version})
    assert answer.status_code == 200, answer.text
    await world.settle()


@pytest.mark.parametrize("what", ["message.sent.v1", "evidence.added.v1", "outcome_review.requested.v1"])
async def test_what_is_added_to_a_report_and_lost_on_the_way_is_unaccounted_for(world: World, what: str) -> None:
    await resolve(world)
    assert await counted(world) == Additions(0, 0, 0, 0, 0)
    await send(world, what)
    async with world.services["intake"].database.transaction() as session:
        lost = await session.execute(_LOSE, {"type": what})
        assert lost.rowcount == 1  # type: ignore[attr-defined]  # a delete has it
    await world.settle()
    assert await counted(world) == Additions(1, 0, 0, 1, 0)
    assert await counted(world, later=GRACE) == Additions(1, 0, 0, 0, 1)
    async with world.services["triage"].database.transaction() as session:
        await session.execute(_LETTER, {"report_id": world.report_ids["own"], "now": world.clock.now()})
    assert await counted(world, later=GRACE) == Additions(1, 0, 1, 0, 0)


async def test_what_is_added_to_a_report_arrives(world: World) -> None:
    for what in ("message.sent.v1", "evidence.added.v1"):
        await send(world, what)
    await world.settle()
    await resolve(world)
    await send(world, "outcome_review.requested.v1")
    await world.settle()
    assert await counted(world, later=GRACE) == Additions(3, 3, 0, 0, 0)
    async with world.services["triage"].database.transaction() as session:
        await session.execute(text("delete from note where author = 'reporter'"))
        await session.execute(text("update \"case\" set outcome = 'exempt'"))
    assert await counted(world, later=GRACE) == Additions(3, 3, 0, 0, 0), "an exempt report takes nothing"


async def test_what_waits_for_it_reads_all_that_was_added_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[UUID | None] = []
    stored_after, count_again = evidence.stored_after, reconcile.count_again

    async def noted(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[evidence.StoredItem]:
        looks.append(after)
        return await stored_after(session, after, limit)

    async def settled(triage: Database, before: reconcile.Counted, now: datetime) -> reconcile.Counted:
        assert before.additions == Additions(2, 1, 0, 0, 1)
        await world.settle()
        return await count_again(triage, before, now)

    @asynccontextmanager
    async def opened(service: str) -> AsyncIterator[Database]:
        yield world.services[service].database

    for place, name, fake in ((evidence, "stored_after", noted), (reconcile, "count_again", settled)):
        monkeypatch.setattr(place, name, fake)
    monkeypatch.setattr(reconcile, "opened", opened)
    await send(world, "message.sent.v1")
    await world.settle()
    await send(world, "evidence.added.v1")
    _, additions = await reconcile._settled(timedelta(seconds=60))
    assert additions == Additions(2, 2, 0, 0, 0)
    assert len(looks) == 2, "the page, and that there is no other"
