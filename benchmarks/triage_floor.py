"""The least: a bare consumer that writes the same rows with COPY, commits, then commits its offsets."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from benchmarks.rows import Keys, TableRows
from benchmarks.stage import Stage, plain

TOPIC = "bench.floor.v1"
_BATCH = 500


@asynccontextmanager
async def opened(stage: Stage, shapes: Sequence[TableRows]) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Consume until the end of the block; yields what waits for a number of reports."""
    consumer = AIOKafkaConsumer(
        TOPIC,
        group_id=TOPIC,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        **stage.kafka.arguments(),
    )
    await consumer.start()
    async with stage.database("triage") as url:
        connection = await asyncpg.connect(plain(url))
        floor = _Floor(consumer, connection, shapes)
        work = asyncio.create_task(floor.run())
        try:
            yield floor.wait_for
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await connection.close()
            await consumer.stop()


class _Floor:
    def __init__(self, consumer: AIOKafkaConsumer, connection: asyncpg.Connection, shapes: Sequence[TableRows]) -> None:
        self._consumer = consumer
        self._connection = connection
        self._shapes = shapes
        self._numbers = count()
        self._done = 0
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=500, max_records=_BATCH)
            messages = [message for place in found.values() for message in place]
            if not messages:
                continue
            async with self._connection.transaction():
                await self._write([(next(self._numbers), keys_of(message)) for message in messages])
            await self._consumer.commit()
            async with self._progress:
                self._done += len(messages)
                self._progress.notify_all()

    async def wait_for(self, reports: int) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: self._done >= reports)

    async def _write(self, reports: Sequence[tuple[int, Keys]]) -> None:
        for shape in self._shapes:
            rows = [row for number, keys in reports for row in shape.of(number, keys)]
            await self._connection.copy_records_to_table(shape.table, records=rows, columns=shape.columns)


def keys_of(message: ConsumerRecord) -> Keys:
    """Return the keys of the rows of a report: the report's id is the message's key."""
    report = uuid.UUID(message.key.decode())
    return Keys(report=report, case=report, reference=report.hex, event=str(report))
