"""Fixtures of the messaging tests."""

from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import text

from shared.db.database import Database
from shared.events.topics import Topic
from shared.messaging.log import EventLog
from shared.messaging.tables import messaging_metadata
from tests.shared.messaging.environment import LOG_TOPICS, Environment, SettableClock
from tests.support.postgres import PostgresForTests


@pytest.fixture
def log_topics() -> Sequence[Topic]:
    return LOG_TOPICS


@pytest.fixture
async def tables(postgres: PostgresForTests) -> AsyncIterator[Database]:
    """A database with the messaging tables and a table for effects."""
    async with postgres.fresh() as url:
        database = Database(url, application_name="tests")
        async with database.engine.begin() as connection:
            await connection.run_sync(messaging_metadata.create_all)
            create = "create table word (id bigint generated always as identity, subject text, word text)"
            await connection.execute(text(create))
        try:
            yield database
        finally:
            await database.close()


@pytest.fixture
async def environment(tables: Database, any_log: EventLog) -> Environment:
    """The environment, on each log in turn."""
    return Environment(tables, any_log, SettableClock())
