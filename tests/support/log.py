"""The event log for tests, and a way to run relays and consumers until nothing is left to do."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.events.topics import TOPICS, Topic
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog
from shared.messaging.postgres import PostgresLog
from shared.messaging.relay import Relay
from tests.support.postgres import PostgresForTests


async def deliver(relays: Sequence[Relay], consumers: Sequence[BatchConsumer]) -> None:
    """Publish and consume, round by round, until a whole round moved nothing."""
    while True:
        published = sum([await relay.drain() for relay in relays])
        consumed = sum([await consumer.drain() for consumer in consumers])
        if not published and not consumed:
            return


@asynccontextmanager
async def postgres_log(postgres: PostgresForTests, topics: Sequence[Topic] = TOPICS) -> AsyncIterator[EventLog]:
    """Open a PostgreSQL log in a fresh database."""
    async with postgres.fresh() as url:
        log = await PostgresLog.open(url, topics=topics)
        try:
            yield log
        finally:
            await log.close()


@pytest.fixture
async def event_log(postgres: PostgresForTests) -> AsyncIterator[EventLog]:
    """A log with every declared topic, for this test alone."""
    async with postgres_log(postgres) as log:
        yield log
