"""A broker that dies under load and comes back costs time, and nothing else."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shared.db.database import Database
from shared.events.topics import Topic
from shared.messaging.kafka.connection import KafkaConnection
from shared.messaging.kafka.log import KafkaLog
from shared.messaging.kafka.topics import KafkaTopics
from tests.shared.messaging.environment import LOG_TOPICS, Environment, SettableClock
from tests.support.eventually import eventually
from tests.support.java_kafka import JavaKafka, NoKafka

PATIENCE = 120.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[JavaKafka]:
    try:
        kafka = JavaKafka(tmp_path / "kafka")
    except NoKafka as error:
        pytest.skip(f"only a broker of our own may be killed: {error}")
    kafka.start()
    yield kafka
    kafka.kill()


@pytest.mark.timeout(300)
async def test_relay_and_consumer_go_on_after_the_broker_was_killed(tables: Database, broker: JavaKafka) -> None:
    topics: Sequence[Topic] = LOG_TOPICS
    connection = KafkaConnection(broker.servers)
    await KafkaTopics(connection, 1).apply(topics)
    log = await KafkaLog.open(connection)
    environment = Environment(tables, log, SettableClock())
    stop, consumer = asyncio.Event(), environment.consumer()
    roles = [asyncio.create_task(role.run(stop)) for role in (environment.relay(outbox=environment.writes), consumer)]

    async def handled(count: int) -> bool | None:
        return len(await environment.words()) >= count or None

    await environment.write_words([f"before {number}" for number in range(50)])
    await eventually(lambda: handled(50))
    broker.kill()
    await environment.write_words([f"meanwhile {number}" for number in range(50)])
    broker.start()
    await environment.write_words([f"after {number}" for number in range(50)])
    await eventually(lambda: handled(150))
    words = await environment.words()
    assert len(words) == len(set(words)) == 150
    assert await environment.dead() == []
    stop.set()
    await asyncio.wait_for(asyncio.gather(*roles), PATIENCE)
    await log.close()
