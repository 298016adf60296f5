"""`signpost audit verify` reads all evidence: it finds what is gone, what was changed, and what was never kept."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from services.cli import audit
from services.cli.audit import BrokenEvidence, Damage, broken_evidence
from shared.auth.permissions import Role
from tests.authorisation.world import GRACE, OPEN, World, opened
from tests.support.postgres import PostgresForTests

LATER = timedelta(hours=1, seconds=1)


@pytest.fixture
async def world(postgres: PostgresForTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with opened(postgres, tmp_path) as built:
        monkeypatch.setattr(audit, "transaction", lambda service: built.services[service].database.transaction())
        monkeypatch.setattr(audit, "SystemClock", lambda: built.clock)
        monkeypatch.setattr(audit, "settings_of", lambda _kind: built.services["intake"].parts.settings)
        yield built


async def run(world: World, service: str, statement: str) -> None:
    async with world.services[service].database.transaction() as session:
        await session.execute(text(statement))


def files_of(folder: Path, evidence_id: UUID) -> list[Path]:
    return list(folder.rglob(f"{evidence_id}*"))


async def kept(world: World) -> UUID:
    """Send a file with a report; return its id."""
    async with world.client() as client:
        answer = await client.post(
            f"/report/api/v1/reports/{world.references['own']}/evidence",
            files={"file": ("said.txt", b"They wrote it again.")},
            headers=world.bearer(Role.REPORTER, GRACE),
        )
    assert answer.status_code == 201, answer.text
    await world.settle()
    return UUID(answer.json()["evidence_id"])


async def test_every_kind_of_damage_is_named_by_the_id_of_the_evidence(world: World, tmp_path: Path) -> None:
    await world.add({"own": OPEN["own"]})
    evidence_id, case_id = await kept(world), UUID(world.ids["case:own"])
    ghost = UUID(world.ids["evidence:own"])
    assert await broken_evidence() == [BrokenEvidence(Damage.UNKNOWN, ghost, case_id)]
    await run(world, "triage", f"delete from evidence_item where evidence_id = '{ghost}'")  # noqa: S608 - an id of ours
    assert await broken_evidence() == []
    [file] = files_of(tmp_path, evidence_id)
    written = file.read_bytes()
    for damage, change in (
        (Damage.CHANGED, lambda: file.write_bytes(written.replace(b"again", b"AGAIN"))),
        (Damage.CHANGED, lambda: file.write_bytes(written[:-1])),
        (Damage.LOST, file.unlink),
    ):
        change()
        assert await broken_evidence() == [BrokenEvidence(damage, evidence_id, case_id)]
        file.write_bytes(written)
    await run(world, "intake", "update evidence set sha256 = repeat('0', 64)")
    assert await broken_evidence() == [BrokenEvidence(Damage.DIFFERS, evidence_id, case_id)]


async def test_what_is_removed_by_hand_is_not_taken_for_news_on_its_way(world: World, tmp_path: Path) -> None:
    await world.add({"own": OPEN["own"]})
    evidence_id, case_id = await kept(world), UUID(world.ids["case:own"])
    await run(world, "triage", f"delete from evidence_item where evidence_id <> '{evidence_id}'")  # noqa: S608 - an id of ours
    by_hand = "update evidence set removed_at = {}"
    await run(world, "intake", by_hand.format("added_at"))
    [file] = files_of(tmp_path, evidence_id)
    written = file.read_bytes()
    file.unlink()
    assert await broken_evidence() == [BrokenEvidence(Damage.REMOVED, evidence_id, case_id)]
    await run(world, "intake", by_hand.format("null"))
    file.write_bytes(written)
    assert await broken_evidence() == []
    async with world.client() as client:
        address = f"/report/api/v1/reports/{world.references['own']}/evidence/{evidence_id}"
        gone = await client.delete(address, headers=world.bearer(Role.REPORTER, GRACE))
    assert gone.status_code == 204, gone.text
    assert await broken_evidence() == [], "it was taken back, and triage has yet to hear of it"
    world.clock.pass_(LATER)
    assert await broken_evidence() == [BrokenEvidence(Damage.REMOVED, evidence_id, case_id)], "for too long"
    await world.settle()
    assert await broken_evidence() == []


async def test_what_triage_has_not_heard_of_for_too_long_is_named(world: World) -> None:
    await world.add({"own": OPEN["own"]})
    evidence_id = await kept(world)
    await run(world, "triage", "delete from evidence_item")
    assert await broken_evidence() == [], "news of it may be on its way"
    world.clock.pass_(LATER)
    assert await broken_evidence() == [BrokenEvidence(Damage.UNHEARD, evidence_id, None)]
    await run(world, "triage", "update \"case\" set outcome = 'exempt', state = 'resolved'")
    assert await broken_evidence() == [], "triage has erased it, and intake has yet to hear of it"
