"""The database of the PostgreSQL log: connections, the wake-up of readers, and tables."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.db.database import driver_arguments
from shared.events.topics import Cleanup, Topic
from shared.messaging.log import LogUnavailable
from shared.messaging.topics_admin import Described

CHANNEL = "signpost_log"
"""A `NOTIFY` on this channel tells the readers which topics were appended to."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

_TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.QueryCanceledError,
)


@asynccontextmanager
async def reachable() -> AsyncIterator[None]:
    """Turn transient errors (a lost connection, a deadlock, a server that restarts) into `LogUnavailable`."""
    try:
        yield
    except _TRANSIENT as error:
        raise LogUnavailable(type(error).__name__) from error


class WakeUp:
    """Wakes the readers of one open log after an append to one of their topics (LISTEN/NOTIFY)."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self._listener: asyncpg.Connection | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[frozenset[str], asyncio.Event] = {}

    async def next(self, topics: Sequence[str]) -> asyncio.Event:
        """Return the event that the next append to one of `topics` sets.

        Call this before looking for records, so that none is missed.
        """
        async with self._opening:
            if self._listener is None or self._listener.is_closed():
                name = {"application_name": "signpost-log-listener"}
                arguments = {**self._arguments, "command_timeout": 30, "server_settings": name}
                self._listener = await asyncpg.connect(**arguments)
                await self._listener.add_listener(CHANNEL, self._wake)
        return self._waiting.setdefault(frozenset(topics), asyncio.Event())

    def _wake(self, _connection: object, _process: int, _channel: str, topics: object) -> None:
        appended = set(str(topics).split())
        for read in [read for read in self._waiting if not appended.isdisjoint(read)]:
            self._waiting.pop(read).set()

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            await self._listener.close()


class LogDatabase:
    """The database of one open log: a small pool of connections, and the wake-up of its readers."""

    def __init__(self, pool: asyncpg.Pool, wake_up: WakeUp) -> None:
        self._pool = pool
        self.wake_up = wake_up

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the database at `url` (`postgresql+asyncpg://…` or `postgresql://…`)."""
        arguments = driver_arguments(url)
        settings = {"application_name": "signpost-log", "timezone": "UTC"}
        pooled = {**arguments, "min_size": 1, "max_size": 8, "command_timeout": 30, "server_settings": settings}
        return cls(await asyncpg.create_pool(**pooled), WakeUp(arguments))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection of the pool."""
        async with self._pool.acquire() as connection:
            yield connection

    async def close(self) -> None:
        """Stop listening and close the pool."""
        await self.wake_up.close()
        await self._pool.close()


_LOCK = 0x5167_6C6F
_TABLES = """
create table if not exists log_topic (
    name text primary key,
    partitions int not null check (partitions > 0),
    retention interval,
    compacted boolean not null
);
create table if not exists log_partition (
    topic text not null references log_topic,
    partition int not null,
    next_offset bigint not null default 0,
    primary key (topic, partition)
) with (fillfactor = 50);
create table if not exists log_record (
    topic text not null,
    partition int not null,
    "offset" bigint not null,
    key bytea,
    value bytea,
    headers text not null,
    appended_at timestamptz not null default clock_timestamp(),
    primary key (topic, partition, "offset")
);
create index if not exists log_record_appended_at on log_record using brin (appended_at);
create table if not exists log_writer (
    id text primary key,
    epoch bigint not null
);
create table if not exists log_group (
    name text primary key,
    generation bigint not null
);
drop table if exists log_member;
create table if not exists log_offset (
    group_name text not null,
    topic text not null,
    partition int not null,
    next_offset bigint not null,
    primary key (group_name, topic, partition)
);
"""
_TOPIC = """
insert into log_topic (name, partitions, retention, compacted) values ($1, $2, $3, $4)
on conflict (name) do update
set partitions = greatest(log_topic.partitions, excluded.partitions),
    retention = excluded.retention, compacted = excluded.compacted
"""
_PARTITIONS = """
insert into log_partition (topic, partition)
select name, generate_series(0, partitions - 1) from log_topic where name = any($1)
on conflict do nothing
"""


async def create_tables(connection: Connection, topics: Sequence[Topic]) -> None:
    """Create missing tables, and create or alter `topics` as declared.

    `log_member` is dropped: earlier versions divided a group among several processes (decision 0035).
    """
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_TABLES)
        await apply_topics(connection, topics)


async def apply_topics(connection: Connection, topics: Sequence[Topic]) -> None:
    """Create or alter `topics`; partitions are only ever added."""
    rows = [(topic.name, topic.partitions, topic.retention, topic.cleanup is Cleanup.COMPACT) for topic in topics]
    await connection.executemany(_TOPIC, rows)
    await connection.execute(_PARTITIONS, [topic.name for topic in topics])


async def described_topics(connection: Connection) -> dict[str, Described]:
    """Return every topic."""
    rows = await connection.fetch("select name, partitions, retention, compacted from log_topic")
    return {name: Described(partitions, retention, compacted) for name, partitions, retention, compacted in rows}
