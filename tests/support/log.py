"""Event logs for tests, and a way to run relays and consumers until nothing is left to do."""

import os
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from shared.events.topics import TOPICS, Topic
from shared.messaging.consumer import BatchConsumer
from shared.messaging.kafka.connection import KafkaConnection
from shared.messaging.kafka.log import KafkaLog
from shared.messaging.kafka.topics import KafkaTopics
from shared.messaging.log import Appender, Batch, EventLog, ReceivedRecord, Record, Subscription
from shared.messaging.postgres.log import PostgresLog
from shared.messaging.relay import Relay
from tests.support.java_kafka import NoKafka
from tests.support.kafka import running_kafka
from tests.support.postgres import PostgresForTests

_ABANDONED_AFTER = timedelta(milliseconds=300)


async def deliver(relays: Sequence[Relay], consumers: Sequence[BatchConsumer]) -> None:
    """Publish and consume, round by round, until a whole round moved nothing."""
    while True:
        published = sum([await relay.drain() for relay in relays])
        consumed = sum([await consumer.drain() for consumer in consumers])
        if not published and not consumed:
            return


class IsolatedLog:
    """A shared log seen through a prefix: names of topics, groups and writers are one test's own.

    Everything that the test leaves open is closed with it.
    """

    def __init__(self, log: EventLog, prefix: str) -> None:
        self._log = log
        self._prefix = prefix
        self._open = AsyncExitStack()

    async def appender(self, writer_id: str) -> Appender:
        appender = await self._log.appender(self._prefix + writer_id)
        self._open.push_async_callback(appender.close)
        return _IsolatedAppender(appender, self._prefix)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        subscription = await self._log.subscribe(self._prefix + group, [self._prefix + topic for topic in topics])
        self._open.push_async_callback(subscription.close)
        return _IsolatedSubscription(subscription, self._prefix)

    async def behind(self, groups: Sequence[str]) -> Mapping[str, int]:
        found = await self._log.behind([self._prefix + group for group in groups])
        return {group.removeprefix(self._prefix): count for group, count in found.items()}

    async def close(self) -> None:
        await self._open.aclose()
        await self._log.close()


class _IsolatedAppender:
    def __init__(self, appender: Appender, prefix: str) -> None:
        self._appender = appender
        self._prefix = prefix

    async def append(self, records: Sequence[Record]) -> None:
        await self._appender.append([replace(record, topic=self._prefix + record.topic) for record in records])

    async def close(self) -> None:
        await self._appender.close()


class _IsolatedSubscription:
    def __init__(self, subscription: Subscription, prefix: str) -> None:
        self._subscription = subscription
        self._prefix = prefix

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        batch = await self._subscription.poll(max_records, timeout)
        records = [self._without_prefix(received) for received in batch.records]
        return replace(batch, records=records, next_offsets=self._named(batch.next_offsets))

    async def commit(self, batch: Batch) -> None:
        offsets = {(self._prefix + topic, part): offset for (topic, part), offset in batch.next_offsets.items()}
        await self._subscription.commit(replace(batch, next_offsets=offsets))

    async def rewind(self) -> None:
        await self._subscription.rewind()

    async def end_offsets(self) -> Mapping[tuple[str, int], int]:
        return self._named(await self._subscription.end_offsets())

    async def reached(self) -> Mapping[tuple[str, int], int]:
        return self._named(await self._subscription.reached())

    async def lag(self) -> Mapping[tuple[str, int], int]:
        return self._named(await self._subscription.lag())

    async def close(self) -> None:
        await self._subscription.close()

    def _named(self, offsets: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        return {(topic.removeprefix(self._prefix), part): offset for (topic, part), offset in offsets.items()}

    def _without_prefix(self, received: ReceivedRecord) -> ReceivedRecord:
        topic = received.record.topic.removeprefix(self._prefix)
        return replace(
            received, record=replace(received.record, topic=topic), position=received.position._replace(topic=topic)
        )


@asynccontextmanager
async def postgres_log(postgres: PostgresForTests, topics: Sequence[Topic] = TOPICS) -> AsyncIterator[EventLog]:
    """Open a PostgreSQL log in a fresh database."""
    async with postgres.fresh() as url:
        log = IsolatedLog(await PostgresLog.open(url, topics=topics), "")
        try:
            yield log
        finally:
            await log.close()


@asynccontextmanager
async def kafka_log(servers: str, topics: Sequence[Topic] = TOPICS) -> AsyncIterator[EventLog]:
    """Open a log on the Kafka at `servers`, with topics of its own."""
    prefix = f"t-{uuid.uuid4().hex[:12]}."
    connection = KafkaConnection(servers)
    await KafkaTopics(connection, 1).apply([replace(topic, name=prefix + topic.name) for topic in topics])
    log = IsolatedLog(await KafkaLog.open(connection, finish_within=_ABANDONED_AFTER), prefix)
    try:
        yield log
    finally:
        await log.close()


@pytest.fixture
async def event_log(postgres: PostgresForTests) -> AsyncIterator[EventLog]:
    """A PostgreSQL log with every declared topic, for this test alone."""
    async with postgres_log(postgres) as log:
        yield log


def go_without_kafka(why: NoKafka) -> NoReturn:
    """Skip the test with a visible line, or fail it if Kafka is required."""
    if os.environ.get("REQUIRE_KAFKA") == "1":
        pytest.fail(str(why))
    warnings.warn(str(why), stacklevel=1)
    pytest.skip(str(why))


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap servers of a real Apache Kafka. Without one the test is skipped, or fails with `REQUIRE_KAFKA=1`."""
    try:
        running = running_kafka()
        servers = running.__enter__()
    except NoKafka as error:
        go_without_kafka(error)
    try:
        yield servers
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(params=["postgres", "kafka"])
def log_kind(request: pytest.FixtureRequest) -> str:
    """Which log `any_log` opens; a test that asks for it runs on both."""
    return str(request.param)


@pytest.fixture
def log_server(request: pytest.FixtureRequest, log_kind: str) -> object:
    """The server of `any_log`; only the requested one is started."""
    return request.getfixturevalue(log_kind)


@pytest.fixture
def log_topics() -> Sequence[Topic]:
    """The topics of `any_log`; a folder or module with other needs overrides this."""
    return TOPICS


@pytest.fixture
async def any_log(log_server: PostgresForTests | str, log_topics: Sequence[Topic]) -> AsyncIterator[EventLog]:
    """Each log in turn, for this test alone."""
    opened = kafka_log(log_server, log_topics) if isinstance(log_server, str) else postgres_log(log_server, log_topics)
    async with opened as log:
        yield log
