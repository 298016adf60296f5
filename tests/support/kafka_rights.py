"""What one user of Kafka may really do, found out by trying. Also a script of its own, for a container of the image."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

_WITHIN = 60.0
Client = Mapping[str, str]
"""Arguments for any client of the driver."""


async def readable(client: Client, topics: Iterable[str]) -> set[str]:
    """Return those of `topics` that a broker lets the user of `client` fetch."""
    return {topic for topic, may in await asyncio.gather(*(_may_read(client, topic) for topic in topics)) if may}


async def _may_read(client: Client, topic: str) -> tuple[str, bool]:
    consumer, place = AIOKafkaConsumer(**client), TopicPartition(topic, 0)
    try:
        await consumer.start()
        consumer.assign([place])
        async with asyncio.timeout(_WITHIN):
            while consumer.highwater(place) is None:  # a broker has answered no fetch yet
                if topic in consumer._client.cluster.unauthorized_topics:
                    return topic, False
                await consumer.getmany(timeout_ms=100)
    except TopicAuthorizationFailedError:
        return topic, False
    finally:
        await consumer.stop()
    return topic, True


async def writable(client: Client, topics: Iterable[str]) -> set[str]:
    """Write a record to each of `topics`, and return those that took it."""
    producer, taken = AIOKafkaProducer(**client), set()
    await producer.start()
    try:
        async with asyncio.timeout(_WITHIN):
            for topic in topics:
                try:
                    await producer.send_and_wait(topic, b"{}", key=b"key")
                except TopicAuthorizationFailedError:
                    continue
                taken.add(topic)
    finally:
        await producer.stop()
    return taken


async def joinable(client: Client, groups: Iterable[str], topic: str) -> set[str]:
    """Return those of `groups` that let the user join as a reader of `topic`."""
    return {group for group, may in await asyncio.gather(*(_may_join(client, one, topic) for one in groups)) if may}


async def _may_join(client: Client, group: str, topic: str) -> tuple[str, bool]:
    consumer = AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **client)
    try:
        async with asyncio.timeout(_WITHIN):
            consumer.subscribe([topic])
            await consumer.start()
            while not consumer.assignment():
                await consumer.getmany(timeout_ms=100)
    except GroupAuthorizationFailedError:
        return group, False
    finally:
        await consumer.stop()
    return group, True


async def _found(read: list[str], write: list[str], groups: list[str]) -> Mapping[str, list[str]]:
    client = {
        "bootstrap_servers": os.environ["SIGNPOST_KAFKA_BOOTSTRAP_SERVERS"],
        "security_protocol": os.environ["SIGNPOST_KAFKA_SECURITY_PROTOCOL"],
        "sasl_mechanism": os.environ["SIGNPOST_KAFKA_SASL_MECHANISM"],
        "sasl_plain_username": os.environ["SIGNPOST_KAFKA_SASL_USERNAME"],
        "sasl_plain_password": os.environ["SIGNPOST_KAFKA_SASL_PASSWORD"],
    }
    found = sorted(await readable(client, read))
    return {
        "read": found,
        "write": sorted(await writable(client, write)),
        "groups": sorted(await joinable(client, groups, found[0])),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_found(**json.loads(sys.argv[1])))))  # noqa: T201 - read by whoever runs it
