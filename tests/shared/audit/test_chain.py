"""The activity record: append, read, erase."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.audit import chain
from shared.audit.chain import Change, audit_metadata
from shared.db.database import Database
from shared.ids import RandomIds
from tests.support.postgres import PostgresForTests

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
IDS = RandomIds()


@pytest.fixture
async def audit(postgres: PostgresForTests) -> AsyncIterator[Database]:
    async with postgres.fresh() as url:
        database = Database(url, application_name="tests")
        async with database.engine.begin() as connection:
            await connection.run_sync(audit_metadata.create_all)
        yield database
        await database.close()


async def test_a_batch_may_hold_several_changes_of_one_chain(audit: Database) -> None:
    a, b = uuid4(), uuid4()
    async with audit.transaction() as session:
        await chain.append(
            session,
            [
                (a, Change("opened", "system:triage")),
                (b, Change("opened", "system:triage")),
                (a, Change("claimed", "S4001", reason="mine")),
            ],
            NOW,
            IDS,
        )
    async with audit.transaction() as session:
        await chain.append(session, [(a, Change("noted", "S4001", personal={"note": "said so"}))], NOW, IDS)
        assert [x.action for x in await chain.read(session, a)] == ["opened", "claimed", "noted"]
        assert [x.position for x in await chain.read(session, a)] == [1, 2, 3]
        assert (await chain.read(session, a))[1].reason == "mine"
