"""How far groups on Apache Kafka are behind, seen from outside."""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.messaging.kafka_session import KafkaConnection, reachable, stop

_MARK = 1
"""A transaction ends with a mark that nobody commits past: one offset behind is none."""

_Offsets = Mapping[TopicPartition, int]


async def behind(connection: KafkaConnection, groups: Sequence[str]) -> Mapping[str, int]:
    """Return how many offsets each group has not committed, in the partitions it has committed in."""
    async with reachable():
        committed = await _committed(connection, groups)
        ends = await _ends(connection, {place for offsets in committed.values() for place in offsets})
    return {
        group: sum(_missing(ends[place], offset) for place, offset in offsets.items())
        for group, offsets in committed.items()
        if offsets
    }


async def _committed(connection: KafkaConnection, groups: Sequence[str]) -> Mapping[str, _Offsets]:
    admin = AIOKafkaAdminClient(**connection.arguments())
    try:
        await admin.start()
        found = {group: await admin.list_consumer_group_offsets(group) for group in groups}
    finally:
        await admin.close()
    return {
        group: {place: known.offset for place, known in offsets.items() if known.offset >= 0}
        for group, offsets in found.items()
    }


async def _ends(connection: KafkaConnection, places: set[TopicPartition]) -> _Offsets:
    if not places:
        return {}
    consumer = AIOKafkaConsumer(isolation_level="read_committed", **connection.arguments())
    try:
        await consumer.start()
        ends: _Offsets = await consumer.end_offsets(list(places))
    finally:
        await stop(consumer)
    return ends


def _missing(end: int, committed: int) -> int:
    return end - committed if end - committed > _MARK else 0
