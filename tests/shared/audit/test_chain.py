"""The audit trail: append, read, erase, verify, anchor."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import event, text

from shared.audit import anchors, chain
from shared.audit.chain import Change
from shared.audit.tables import audit_metadata
from shared.audit.verification import Broken, BrokenLink, verify
from shared.db.database import Database
from shared.ids import RandomIds
from tests.support.postgres import PostgresForTests

NOW = datetime(2026, 1, 5, 9, 30, 0, 123456, tzinfo=UTC)
IDS = RandomIds()


@pytest.fixture
async def audit(postgres: PostgresForTests) -> AsyncIterator[Database]:
    async with postgres.fresh() as url:
        database = Database(url, application_name="tests")
        async with database.engine.begin() as connection:
            await connection.run_sync(audit_metadata.create_all)
        yield database
        await database.close()


async def append(audit: Database, *changes: tuple[UUID, Change]) -> None:
    async with audit.transaction() as session:
        await chain.append(session, changes, NOW, IDS)


async def chain_of(audit: Database, *actions: str) -> UUID:
    chain_id = uuid4()
    await append(audit, *[(chain_id, Change(action, "S4001", reason=f"why {action}")) for action in actions])
    return chain_id


async def verified(audit: Database, anchors_file: Path | None = None) -> list[BrokenLink]:
    async with audit.transaction() as session:
        return await verify(session, anchors_file, unanchored_since=NOW)


async def tamper(audit: Database, statement: str, **values: object) -> None:
    async with audit.transaction() as session:
        await session.execute(text(statement), values)


async def anchor(audit: Database, file: Path) -> None:
    """Anchor as a sweep does: until nothing is left."""
    anchored = 1
    while anchored:
        async with audit.transaction() as session:
            anchored = await anchors.anchor(session, NOW, file)


async def test_a_batch_may_change_a_chain_several_times_and_later_batches_go_on(audit: Database) -> None:
    first, second = uuid4(), uuid4()
    await append(
        audit,
        (first, Change("opened", "system:triage", after={"state": "new"})),
        (second, Change("opened", "system:triage")),
        (first, Change("claimed", "S4001", reason="mine", before={"state": "new"}, after={"state": "claimed"})),
    )
    await append(audit, (first, Change("noted", "S4001", personal={"note": "said “so”\nand ☃"})))
    async with audit.transaction() as session:
        activities = await chain.read(session, first)
    assert [(a.position, a.action) for a in activities] == [(1, "opened"), (2, "claimed"), (3, "noted")]
    assert activities[1].reason == "mine"
    assert activities[1].before == {"state": "new"}
    assert activities[2].personal == {"note": "said “so”\nand ☃"}
    assert activities[2].at == NOW
    assert await verified(audit) == []


async def test_many_chains_cost_as_many_statements_as_one(audit: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    event.listen(audit.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    copy = asyncpg.Connection.copy_records_to_table

    async def counted(driver: asyncpg.Connection, table: str, **how: Any) -> str:  # noqa: ANN401 -- as the driver takes it
        statements.append(f"COPY {table}")
        return await copy(driver, table, **how)

    monkeypatch.setattr(asyncpg.Connection, "copy_records_to_table", counted)
    await append(audit, *[(uuid4(), Change("opened", "system:triage")) for _ in range(200)])
    assert [" ".join(statement.split()[:2]) for statement in statements] == [
        "SELECT chain_head.chain_id,",
        "COPY activity",
        "COPY chain_head",
    ]


async def test_nothing_to_append_is_nothing_done(audit: Database) -> None:
    await append(audit)
    assert await verified(audit) == []


async def test_erased_content_is_gone_with_its_salt_and_the_chain_still_verifies(audit: Database) -> None:
    chain_id = await chain_of(audit, "opened", "claimed")
    async with audit.transaction() as session:
        await chain.erase(session, {chain_id: {"case": "blank"}}, "S6001", NOW, IDS)
        activities = await chain.read(session, chain_id)
    assert [(a.action, a.reason, a.erased) for a in activities] == [
        ("opened", None, True), ("claimed", None, True), ("erased", None, False),
    ]  # fmt: skip
    assert (activities[2].actor, activities[2].personal) == ("S6001", {})
    assert await verified(audit) == []
    await tamper(audit, "update activity set content = null where position = 3")
    assert await verified(audit) == [BrokenLink(Broken.CONTENT_LOST, chain_id, 3)]


@pytest.mark.parametrize(
    ("statement", "because", "position"),
    [
        ("update activity set action = 'other' where chain_id = :c and position = 2", Broken.EDITED, 2),
        ("update activity set actor = 'S9' where chain_id = :c and position = 1", Broken.EDITED, 1),
        ("update activity set at = at + interval '1 us' where chain_id = :c and position = 3", Broken.EDITED, 3),
        ("""update activity set after = '{"a": "b"}' where chain_id = :c and position = 3""", Broken.EDITED, 3),
        (
            (
                "update activity set content = jsonb_set(content, '{reason,text}', '\"x\"') "
                "where chain_id = :c and position = 2"
            ),
            Broken.CONTENT_EDITED,
            2,
        ),
        ("update activity set content = '{}' where chain_id = :c and position = 2", Broken.CONTENT_EDITED, 2),
        ("delete from activity where chain_id = :c and position = 2", Broken.MISSING, 2),
        ("delete from activity where chain_id = :c and position = 1", Broken.MISSING, 1),
        ("delete from activity where chain_id = :c and position = 3", Broken.HEAD_DIFFERS, 2),
        ("delete from activity where chain_id = :c", Broken.HEAD_DIFFERS, None),
        ("delete from chain_head where chain_id = :c", Broken.HEAD_DIFFERS, 3),
        ("update activity set position = 5 - position where chain_id = :c and position > 1", Broken.EDITED, 2),
    ],
)
async def test_tampering_shows(audit: Database, statement: str, because: Broken, position: int | None) -> None:
    await chain_of(audit, "untouched", "too")
    chain_id = await chain_of(audit, "opened", "claimed", "resolved")
    if "5 - position" in statement:  # a swap has to avoid the primary key in between
        await tamper(audit, "alter table activity drop constraint pk_activity")
    await tamper(audit, statement, c=chain_id)
    assert await verified(audit) == [BrokenLink(because, chain_id, position)]


async def test_truncating_chain_and_head_together_shows_back_to_the_anchor(audit: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    chain_id = await chain_of(audit, "opened", "claimed", "resolved")
    await anchor(audit, file)
    assert await verified(audit, file) == []
    await _truncate(audit, chain_id)
    assert await verified(audit, file) == [BrokenLink(Broken.ANCHOR_DIFFERS, chain_id, 3)]


async def test_an_anchor_removed_with_what_it_anchored_is_missed_by_the_file(audit: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    chain_id = await chain_of(audit, "opened", "claimed")
    await anchor(audit, file)
    await append(audit, (chain_id, Change("resolved", "S4001")))
    await anchor(audit, file)
    await _truncate(audit, chain_id)
    await tamper(audit, "delete from anchored_chain where position = 2")
    await tamper(audit, "delete from anchor where position = 2")
    assert await verified(audit) == []
    assert await verified(audit, file) == [BrokenLink(Broken.ANCHOR_LOST, None, 2)]


async def test_a_file_of_anchors_that_was_removed_or_damaged_shows(audit: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    chain_id = await chain_of(audit, "opened")
    await anchor(audit, file)
    await append(audit, (chain_id, Change("claimed", "S4001")))
    await anchor(audit, file)
    whole = file.read_text()
    file.write_text(whole.replace("{", "(", 1))
    assert BrokenLink(Broken.ANCHOR_LOST, None, 1) in await verified(audit, file)
    await anchor(audit, file)
    file.unlink()
    assert await verified(audit, file) == [BrokenLink(Broken.ANCHOR_LOST, None, 1)]


async def test_an_edited_anchor_shows(audit: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    await chain_of(audit, "opened")
    await anchor(audit, file)
    await tamper(audit, "update anchored_chain set chain_id = :other", other=uuid4())
    assert {broken.because for broken in await verified(audit, file)} == {Broken.ANCHOR_DIFFERS, Broken.ANCHOR_EDITED}


async def test_only_changed_chains_are_anchored_again(audit: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    await chain_of(audit, "opened")
    changed = await chain_of(audit, "opened")
    await anchor(audit, file)
    await append(audit, (changed, Change("claimed", "S4001")))
    await anchor(audit, file)
    await anchor(audit, file)
    assert [line.count('"chains": 2') + 2 * line.count('"chains": 1') for line in file.read_text().splitlines()] == [
        1,
        2,
    ]
    assert await verified(audit, file) == []


async def test_a_line_that_a_crash_left_half_written_is_written_again(audit: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    await chain_of(audit, "opened")
    await anchor(audit, file)
    whole = file.read_text()
    file.write_text(whole[:-10])
    assert await verified(audit, file) == []
    await anchor(audit, file)
    assert file.read_text() == whole


async def _truncate(audit: Database, chain_id: UUID) -> None:
    """Remove the last link as an attacker would who knows about the head."""
    await tamper(
        audit,
        "delete from activity where chain_id = :c and position = (select length from chain_head where chain_id = :c)",
        c=chain_id,
    )
    await tamper(
        audit,
        "update chain_head h set length = a.position, hash = a.hash from activity a where a.chain_id = h.chain_id "
        "and a.position = h.length - 1 and h.chain_id = :c",
        c=chain_id,
    )
