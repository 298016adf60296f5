"""`signpost topics diff | apply` on both logs."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.events.topics import Cleanup, Topic
from shared.messaging import topics_admin
from shared.messaging.kafka import topics as kafka_topics
from shared.messaging.kafka.connection import KafkaConnection
from shared.messaging.kafka.topics import KafkaTopics
from shared.messaging.log import LogUnavailable
from shared.messaging.postgres.log import PostgresLog
from shared.messaging.topics_admin import Described, Difference, Topics
from tests.support.postgres import PostgresForTests

LETTERS = Topic(f"t-{uuid4().hex[:8]}.letters", ("w",), (), timedelta(days=7), restricted=True, partitions=2)
STATE = Topic(f"t-{uuid4().hex[:8]}.state", ("w",), (), None, Cleanup.COMPACT, partitions=1)
DECLARED = (LETTERS, STATE)


@pytest.fixture
async def topics(log_server: PostgresForTests | str) -> AsyncIterator[Topics]:
    if isinstance(log_server, str):
        yield KafkaTopics(KafkaConnection(log_server), 1)
        return
    async with log_server.fresh() as url:
        log = await PostgresLog.open(url, topics=())
        yield log
        await log.close()


async def declared_only(topics: Topics, declared: tuple[Topic, ...]) -> list[Difference]:
    """Other tests' topics are on the same broker."""
    return [found for found in await topics_admin.diff(topics, declared) if found.what != "undeclared"]


async def test_topics_become_as_declared(topics: Topics) -> None:
    assert await declared_only(topics, DECLARED) == [Difference(topic.name, "missing") for topic in DECLARED]
    await topics_admin.apply(topics, DECLARED)
    assert await declared_only(topics, DECLARED) == []

    changed = (
        replace(LETTERS, retention=timedelta(days=3), partitions=4),
        replace(STATE, cleanup=Cleanup.DELETE, retention=timedelta(days=1)),
    )
    assert {(found.topic, found.what) for found in await declared_only(topics, changed)} == {
        (LETTERS.name, "partitions"),
        (LETTERS.name, "retention"),
        (STATE.name, "cleanup"),
        (STATE.name, "retention"),
    }
    await topics_admin.apply(topics, changed)
    assert await declared_only(topics, changed) == []


async def test_an_undeclared_topic_is_named_and_left_alone(topics: Topics) -> None:
    stray = replace(LETTERS, name=f"t-{uuid4().hex[:8]}.stray")
    await topics.apply([stray])
    assert Difference(stray.name, "undeclared") in await topics_admin.diff(topics, [])
    await topics_admin.apply(topics, [])
    assert stray.name in await topics.described()


async def test_partitions_are_never_taken_away(topics: Topics) -> None:
    wide = replace(LETTERS, name=f"t-{uuid4().hex[:8]}.wide", partitions=4)
    await topics.apply([wide])
    await topics.apply([replace(wide, partitions=2)])
    assert (await topics.described())[wide.name].partitions == 4


class SlowToHear(KafkaTopics):
    """Brokers that learn of their controller's decision only after they were asked `times` times."""

    def __init__(self, servers: str, times: int) -> None:
        super().__init__(KafkaConnection(servers), 1)
        self._before: Mapping[str, Described] | None = None
        self.times = times

    async def described(self) -> Mapping[str, Described]:
        self._before = self._before if self._before is not None else await super().described()
        self.times -= 1
        return self._before if self.times >= 0 else await super().described()


async def test_topics_are_applied_once_the_brokers_have_heard_of_them(kafka: str) -> None:
    brokers = SlowToHear(kafka, times=3)
    late = replace(LETTERS, name=f"t-{uuid4().hex[:8]}.late")
    await brokers.apply([late])
    assert await declared_only(brokers, (late,)) == []
    assert brokers.times < 0


async def test_brokers_that_never_hear_of_a_topic_are_named(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_topics, "_SHOWN_WITHIN", timedelta(milliseconds=300))
    late = replace(LETTERS, name=f"t-{uuid4().hex[:8]}.never")
    with pytest.raises(LogUnavailable, match="topics diff"):
        await SlowToHear(kafka, times=1_000_000).apply([late])
