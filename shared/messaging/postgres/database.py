"""The database of the PostgreSQL log: its connections, the wake-up of its readers, and its tables."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.events.topics import Cleanup, Topic
from shared.messaging.log import LogUnavailable
from shared.messaging.topics_admin import Described

CHANNEL = "signpost_log"
"""`NOTIFY` payload: the names of the topics appended to, separated by commas."""

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
    """Turn what passes by itself (a lost connection, a deadlock, a server that restarts) into `LogUnavailable`."""
    try:
        yield
    except _TRANSIENT as error:
        raise LogUnavailable(type(error).__name__) from error


class Bell:
    """Wakes one subscription when a topic it reads was appended to."""

    def __init__(self, topics: frozenset[str]) -> None:
        self._topics = topics
        self._rung = asyncio.Event()

    def ring(self, topics: frozenset[str]) -> None:
        """Wake the subscription if it reads one of `topics`."""
        if not self._topics.isdisjoint(topics):
            self._rung.set()

    def silence(self) -> None:
        """Forget earlier rings; call before looking for records."""
        self._rung.clear()

    async def wait(self, seconds: float) -> None:
        """Wait for a ring, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return


class Connections:
    """The connections of one opened log."""

    def __init__(self, dsn: str, pool: asyncpg.Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._listener: asyncpg.Connection | None = None
        self._opening = asyncio.Lock()
        self._bells: set[Bell] = set()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the database at `url` (`postgresql+asyncpg://…` or `postgresql://…`)."""
        dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        settings = {"application_name": "signpost-log", "timezone": "UTC"}
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=8, command_timeout=30, server_settings=settings)
        return cls(dsn, pool)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection of the pool."""
        async with self._pool.acquire() as connection:
            yield connection

    def add(self, bell: Bell) -> None:
        """Ring `bell` from now on."""
        self._bells.add(bell)

    def remove(self, bell: Bell) -> None:
        """Ring `bell` no more."""
        self._bells.discard(bell)

    async def backend(self) -> int:
        """Return the server process of the listening connection; when it is gone, so are this log's members."""
        async with self._opening:
            if self._listener is None or self._listener.is_closed():
                self._listener = await asyncpg.connect(
                    self._dsn, command_timeout=30, server_settings={"application_name": "signpost-log-listener"}
                )
                await self._listener.add_listener(CHANNEL, self._on_notify)
            return self._listener.get_server_pid()

    def _on_notify(self, _connection: object, _backend: int, _channel: str, payload: object) -> None:
        topics = frozenset(str(payload).split(","))
        for bell in self._bells:
            bell.ring(topics)

    async def close(self) -> None:
        """Close the listening connection and the pool."""
        if self._listener is not None:
            await self._listener.close()
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
create table if not exists log_member (
    group_name text not null references log_group,
    id uuid not null,
    topics text[] not null,
    backend int not null,
    expires_at timestamptz not null,
    primary key (group_name, id)
);
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


async def create(connection: Connection, topics: Sequence[Topic]) -> None:
    """Create what is missing and make `topics` as declared; partitions are only ever added."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_TABLES)
        await apply(connection, topics)


async def apply(connection: Connection, topics: Sequence[Topic]) -> None:
    """Create or alter `topics`."""
    rows = [(topic.name, topic.partitions, topic.retention, topic.cleanup is Cleanup.COMPACT) for topic in topics]
    await connection.executemany(_TOPIC, rows)
    await connection.execute(_PARTITIONS, [topic.name for topic in topics])


async def described(connection: Connection) -> dict[str, Described]:
    """Return every topic there is."""
    rows = await connection.fetch("select name, partitions, retention, compacted from log_topic")
    return {name: Described(partitions, retention, compacted) for name, partitions, retention, compacted in rows}
