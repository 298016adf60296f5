"""Members of a Kafka group: the current batch is finished or abandoned before another member gets its partitions."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition

from shared.messaging.kafka.connection import ANSWERS_WITHIN, reachable, stop
from shared.messaging.log import Batch, Fenced, Position, ReceivedRecord, Record

ASSIGNED_WITHIN = 60.0
"""Seconds; a rebalance waits for members that are handling a batch."""

_Offsets = Mapping[tuple[str, int], int]


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]  # the driver has no types
    """One member of a group; `generation` counts the assignments that this member has had."""

    def __init__(self, consumer: AIOKafkaConsumer, finish_within: timedelta) -> None:
        self._consumer = consumer
        self._finish_within = finish_within.total_seconds()
        self._generation = 0
        self._last_answer = 0
        self._silent_since: float | None = None
        self._assigned = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def join(self, topics: Sequence[str]) -> None:
        """Start the driver and ask for an assignment."""
        self._consumer.subscribe(list(topics), listener=self)
        await self._consumer.start()

    async def on_partitions_revoked(self, revoked: object) -> None:  # noqa: ARG002 -- the driver's signature
        """Wait for the current batch; after `finish_within` abandon it and refuse its commit."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._finish_within):
                await self._idle.wait()
        self._assigned.clear()
        self._generation += 1

    async def on_partitions_assigned(self, assigned: object) -> None:  # noqa: ARG002 -- the driver's signature
        """Read on from the group's committed offsets."""
        self._assigned.set()

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        """Return records as soon as there are any; an empty batch after `timeout`."""
        self._idle.set()
        async with reachable():
            found = await self._consumer.getmany(
                timeout_ms=int(timeout.total_seconds() * 1000), max_records=max_records
            )
            generation = self._generation
            if found:
                self._idle.clear()  # at once, because from here on a rebalance waits for this batch
            behind = await self._behind()
            self._check_silence(heard=bool(found))
        if not found:
            return Batch((), generation, behind=behind)
        records = [_received(record) for place in sorted(found) for record in found[place]]
        next_offsets = {(place.topic, place.partition): found[place][-1].offset + 1 for place in found}
        return Batch(records, generation, next_offsets, behind)

    def _check_silence(self, *, heard: bool) -> None:
        """Distinguish an unavailable log from an empty one: brokers also answer a fetch that finds nothing.

        Raises:
            TimeoutError: no broker has answered within the time-out.
        """
        if heard:
            self._silent_since = None  # no fetch runs while a batch is handled, so silence counts from the next poll
            return
        answers = [self._consumer.last_poll_timestamp(place) or 0 for place in self._consumer.assignment()]
        now, newest = asyncio.get_running_loop().time(), max(answers, default=0)
        if not answers or newest != self._last_answer or self._silent_since is None:
            self._last_answer, self._silent_since = newest, now
        elif now - self._silent_since > ANSWERS_WITHIN:
            raise TimeoutError

    async def commit(self, batch: Batch) -> None:
        """Commit the offsets of `batch`, unless its partitions may belong to another member by now."""
        try:
            if batch.generation != self._generation:
                raise Fenced
            if batch.next_offsets:
                offsets = {TopicPartition(*place): offset for place, offset in batch.next_offsets.items()}
                async with reachable():
                    await self._consumer.commit(offsets)
        finally:
            self._idle.set()

    async def rewind(self) -> None:
        """Seek every assigned partition back to its committed offset."""
        self._idle.set()
        async with reachable():
            for place in self._consumer.assignment():
                committed = await self._consumer.committed(place)
                if committed is None:
                    await self._consumer.seek_to_beginning(place)
                else:
                    self._consumer.seek(place, committed)

    async def end_offsets(self) -> _Offsets:
        """Return the end of every assigned partition; waits for the first assignment."""
        places = await self._places()
        async with reachable():
            ends = await self._consumer.end_offsets(places)
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def reached(self) -> _Offsets:
        """Return the offset to read on from, per assigned partition: past the markers that end transactions."""
        places = await self._places()
        async with reachable():
            return {(place.topic, place.partition): await self._consumer.position(place) for place in places}

    async def lag(self) -> _Offsets:
        """Return how far this member is behind, per assigned partition.

        Between batches this counts from where it reads on, which is past the markers that end transactions.
        """
        ends = await self.end_offsets()
        async with reachable():
            return {place: end - await self._reached(TopicPartition(*place)) for place, end in ends.items()}

    async def close(self) -> None:
        """Leave the group."""
        self._idle.set()
        await stop(self._consumer)

    async def _places(self) -> Sequence[TopicPartition]:
        """Return the partitions assigned to this member; waits for the first assignment."""
        async with reachable(ASSIGNED_WITHIN):
            await self._assigned.wait()
        return list(self._consumer.assignment())

    async def _behind(self) -> int:
        """Return how much more there was at the last fetch.

        A request for it would wait for the running fetch (decision 0031).
        """
        ends = {place: self._consumer.last_stable_offset(place) for place in self._consumer.assignment()}
        return sum([end - await self._consumer.position(place) for place, end in ends.items() if end is not None])

    async def _reached(self, place: TopicPartition) -> int:
        if self._idle.is_set():
            return int(await self._consumer.position(place))
        return int(await self._consumer.committed(place) or 0)


def _received(record: ConsumerRecord) -> ReceivedRecord:
    headers = tuple((name, value or b"") for name, value in record.headers)
    appended_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return ReceivedRecord(
        Record(record.topic, record.key, record.value, headers),
        Position(record.topic, record.partition, record.offset),
        appended_at,
    )
