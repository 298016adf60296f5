"""The event log on Apache Kafka: transactional writers, readers of committed records."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Self

from aiokafka import AIOKafkaClient, AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.messaging.kafka.connection import KafkaConnection, reachable, stop
from shared.messaging.kafka.subscription import ASSIGNED_WITHIN, KafkaSubscription
from shared.messaging.log import Appender, LogUnavailable, Record, Subscription

_MAX_REQUEST = 4 * 1024 * 1024
_OPEN_FOR_MS = 35_000
"""When brokers end an abandoned transaction, which blocks readers; an append gives up earlier."""
_REJOINING = timedelta(seconds=10)
"""The time that a member may need to rejoin, beyond its current batch."""
_MARK = 1
"""Each transaction ends with a marker that no group commits past, so one offset behind counts as none."""
_Offsets = Mapping[TopicPartition, int]


class KafkaLog:
    """The log on the brokers of `connection`."""

    def __init__(self, connection: KafkaConnection, finish_within: timedelta) -> None:
        self._connection = connection
        self._finish_within = finish_within

    @classmethod
    async def open(cls, connection: KafkaConnection, *, finish_within: timedelta = timedelta(seconds=10)) -> Self:
        """Check that the brokers answer.

        Args:
            connection: how to reach them.
            finish_within: how long the current batch may hold up a rebalance before it is abandoned. The brokers wait
                longer than that; otherwise they would remove the member before it is done, and its return would start
                the next rebalance.

        Raises:
            LogUnavailable: no broker answers.
        """
        client = AIOKafkaClient(**connection.arguments())
        try:
            async with reachable():
                await client.bootstrap()
        finally:
            await client.close()
        return cls(connection, finish_within)

    async def appender(self, writer_id: str) -> Appender:
        """Open the one transactional producer of `writer_id`, fencing any earlier one."""
        producer = AIOKafkaProducer(
            transactional_id=writer_id,
            transaction_timeout_ms=_OPEN_FOR_MS,
            max_request_size=_MAX_REQUEST,
            linger_ms=2,
            **self._connection.arguments(),
        )
        try:
            async with reachable():
                await producer.start()
        except BaseException:
            await stop(producer)
            raise
        return KafkaAppender(producer)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join `group`; the brokers assign the partitions."""
        consumer = AIOKafkaConsumer(
            group_id=group,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            rebalance_timeout_ms=(self._finish_within + _REJOINING) // timedelta(milliseconds=1),
            **self._connection.arguments(),
        )
        subscription = KafkaSubscription(consumer, self._finish_within)
        try:
            async with reachable(ASSIGNED_WITHIN):
                await subscription.join(topics)
        except BaseException:
            await subscription.close()
            raise
        return subscription

    async def behind(self, groups: Sequence[str]) -> Mapping[str, int]:
        """Return how far the committed offsets of `groups` are behind the last stable offsets."""
        async with reachable():
            committed = await self._committed(groups)
            ends = await self._ends({place for offsets in committed.values() for place in offsets})
        return {
            group: sum(_missing(ends[place], offset) for place, offset in offsets.items())
            for group, offsets in committed.items()
            if offsets
        }

    async def close(self) -> None:
        """Close nothing: only appenders and subscriptions hold connections."""

    async def _committed(self, groups: Sequence[str]) -> Mapping[str, _Offsets]:
        admin = AIOKafkaAdminClient(**self._connection.arguments())
        try:
            await admin.start()
            found = {group: await admin.list_consumer_group_offsets(group) for group in groups}
        finally:
            await admin.close()
        return {
            group: {place: known.offset for place, known in offsets.items() if known.offset >= 0}
            for group, offsets in found.items()
        }

    async def _ends(self, places: set[TopicPartition]) -> _Offsets:
        if not places:
            return {}
        consumer = AIOKafkaConsumer(isolation_level="read_committed", **self._connection.arguments())
        try:
            await consumer.start()
            ends: _Offsets = await consumer.end_offsets(list(places))
        finally:
            await stop(consumer)
        return ends


class KafkaAppender:
    """One transactional producer."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._failed = False

    async def append(self, records: Sequence[Record]) -> None:
        """Append all of `records` in one transaction, or none.

        Raises:
            Fenced: a newer producer has the same id.
            LogUnavailable: nothing was appended, or the outcome is unknown. Open a new appender, which ends the open
                transaction, and append again.
        """
        if not records:
            return
        if self._failed:
            raise LogUnavailable("an earlier append failed")
        self._failed = True
        async with reachable():
            await self._producer.begin_transaction()
            await self._send(records)
            await self._producer.commit_transaction()
        self._failed = False

    async def _send(self, records: Sequence[Record]) -> None:
        sent = [
            await self._producer.send(record.topic, record.value, key=record.key, headers=list(record.headers))
            for record in records
        ]
        await asyncio.gather(*sent)

    async def close(self) -> None:
        await stop(self._producer)


def _missing(end: int, committed: int) -> int:
    return end - committed if end - committed > _MARK else 0
