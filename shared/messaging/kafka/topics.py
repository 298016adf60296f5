"""Describes the topics of Apache Kafka, and creates or alters them as declared."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.backoff import Backoff
from shared.events.topics import Cleanup, Topic
from shared.messaging.kafka.connection import KafkaConnection, reachable
from shared.messaging.log import LogUnavailable
from shared.messaging.topics_admin import Described, differences

_DAY = timedelta(days=1)
_MOST_REPLICAS_IN_SYNC = 2
_DONE_WITHIN = 60.0
"""Seconds for all requests of one session."""
_SHOWN_WITHIN = timedelta(seconds=60)
_NOT_SHOWN = "Kafka accepted the topics but does not show them as declared; `signpost topics diff` says what differs"


class KafkaTopics:
    """The topics of the brokers at `connection`."""

    def __init__(self, connection: KafkaConnection, replication_factor: int) -> None:
        self._connection = connection
        self._replication_factor = replication_factor

    async def described(self) -> Mapping[str, Described]:
        """Return every topic, with its partitions and settings."""
        async with self._admin() as admin:
            names = [name for name in await admin.list_topics() if not name.startswith("__")]
            partitions = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics(names)}
            settings = await _settings(admin, names) if names else {}
        return {name: _described(partitions[name], settings[name]) for name in names}

    async def apply(self, topics: Sequence[Topic]) -> None:
        """Create or alter `topics`; partitions are only ever added."""
        existing = await self.described()
        async with self._admin() as admin:
            await self._create(admin, [topic for topic in topics if topic.name not in existing])
            known = [topic for topic in topics if topic.name in existing]
            if known:
                await admin.alter_configs([_resource(topic, self._configs(topic)) for topic in known])
            wider = {
                topic.name: NewPartitions(topic.partitions)
                for topic in known
                if topic.partitions > existing[topic.name].partitions
            }
            if wider:
                await admin.create_partitions(wider)
        await self._until_shown(topics)

    async def _create(self, admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
        if not topics:
            return
        response = await admin.create_topics(
            [
                NewTopic(topic.name, topic.partitions, self._replication_factor, topic_configs=self._configs(topic))
                for topic in topics
            ]
        )
        for name, code, *_ in response.topic_errors:
            if code not in (0, kafka_errors.TopicAlreadyExistsError.errno):
                raise kafka_errors.for_code(code)(name)

    async def _until_shown(self, topics: Sequence[Topic]) -> None:
        """Wait until the brokers show what their controller has accepted; the controller answers before they know.

        Raises:
            LogUnavailable: they do not show it within a minute.
        """
        backoff = Backoff()
        try:
            async with asyncio.timeout(_SHOWN_WITHIN.total_seconds()):
                while not _all_shown(topics, await self.described()):  # noqa: ASYNC110 -- only asking tells
                    await asyncio.sleep(backoff.next())
        except TimeoutError:
            raise LogUnavailable(_NOT_SHOWN) from None

    def _configs(self, topic: Topic) -> dict[str, str]:
        configs = {
            "cleanup.policy": _cleanup_policy(topic),
            "retention.ms": _milliseconds(topic.retention) if topic.retention else "-1",
            "min.insync.replicas": str(min(_MOST_REPLICAS_IN_SYNC, self._replication_factor)),
        }
        return configs | ({"segment.ms": _milliseconds(min(_DAY, topic.retention or _DAY))} if topic.restricted else {})

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._connection.arguments())
        async with reachable(_DONE_WITHIN):
            try:
                await admin.start()
                yield admin
            finally:
                await admin.close()


def _resource(topic: Topic, configs: Mapping[str, str]) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=dict(configs))


async def _settings(admin: AIOKafkaAdminClient, names: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    responses = await admin.describe_configs(resources)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _, _, _, name, entries in response.resources
    }


def _all_shown(topics: Sequence[Topic], described: Mapping[str, Described]) -> bool:
    return all(_is_shown(topic, described.get(topic.name)) for topic in topics)


def _is_shown(topic: Topic, found: Described | None) -> bool:
    """Return whether the log has `topic` as declared, or with more partitions, which are never removed."""
    if found is None:
        return False
    return not differences(replace(topic, partitions=max(topic.partitions, found.partitions)), found)


def _described(partitions: int, settings: Mapping[str, str]) -> Described:
    kept, policy = int(settings["retention.ms"]), settings["cleanup.policy"].split(",")
    expires = kept >= 0 and Cleanup.DELETE.value in policy
    return Described(partitions, timedelta(milliseconds=kept) if expires else None, Cleanup.COMPACT.value in policy)


def _cleanup_policy(topic: Topic) -> str:
    """Return what the brokers do with old records; a compacted topic may expire them too."""
    if topic.cleanup is Cleanup.COMPACT and topic.retention:
        return f"{Cleanup.COMPACT.value},{Cleanup.DELETE.value}"
    return topic.cleanup.value


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))
