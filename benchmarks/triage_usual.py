"""The usual way: FastStream, one message a transaction, rows as SQLAlchemy ORM objects, acknowledged afterwards."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import orjson
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.automap import automap_base

from benchmarks.rows import Keys, TableRows
from benchmarks.stage import Stage
from shared.events.intake import AbuseReportSubmitted

TOPIC = "bench.usual.v1"


@asynccontextmanager
async def opened(stage: Stage, shapes: Sequence[TableRows]) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Consume until the end of the block; yields what waits for a number of reports."""
    async with stage.database("triage") as url:
        engine = create_async_engine(url)
        mapped = automap_base()
        async with engine.connect() as connection:
            await connection.run_sync(lambda sync: mapped.prepare(autoload_with=sync))
        usual = _Usual(async_sessionmaker(engine), mapped.classes, shapes)
        broker = KafkaBroker(stage.brokers, logger=None)
        broker.subscriber(
            TOPIC,
            group_id=TOPIC,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            ack_policy=AckPolicy.NACK_ON_ERROR,
        )(usual.handle)
        await broker.start()
        try:
            yield usual.wait_for
        finally:
            await broker.stop()
            await engine.dispose()


class _Usual:
    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], classes: Mapping[str, type[Any]], shapes: Sequence[TableRows]
    ) -> None:
        self._sessions = sessions
        self._tables = [_Mapped(classes[shape.table], shape) for shape in shapes]
        self._numbers = count()
        self._done = 0
        self._progress = asyncio.Condition()

    async def handle(self, report: AbuseReportSubmitted) -> None:
        number = next(self._numbers)
        keys = Keys(report.report_id, report.report_id, report.reference, str(uuid.uuid4()))
        async with self._sessions() as session, session.begin():
            session.add_all([one for table in self._tables for one in table.objects(number, keys)])
        async with self._progress:
            self._done += 1
            self._progress.notify_all()

    async def wait_for(self, reports: int) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: self._done >= reports)


class _Mapped:
    """A table as a mapped class, and the rows to make objects of. Any: it is mapped from what the database has."""

    def __init__(self, mapped: type[Any], shape: TableRows) -> None:
        self._mapped = mapped
        self._shape = shape
        columns = mapped.__table__.columns
        self._json = [place for place, name in enumerate(shape.columns) if isinstance(columns[name].type, JSONB)]

    def objects(self, number: int, keys: Keys) -> list[object]:
        return [
            self._mapped(**dict(zip(self._shape.columns, self._values(row), strict=True)))
            for row in self._shape.of(number, keys)
        ]

    def _values(self, row: list[object]) -> list[object]:
        for place in self._json:
            row[place] = orjson.loads(str(row[place])) if row[place] is not None else None
        return row
