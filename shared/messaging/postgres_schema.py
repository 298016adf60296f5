"""The tables of the PostgreSQL log, in a database of its own; created and altered by the log itself."""

from collections.abc import Sequence

from shared.events.topics import Cleanup, Topic
from shared.messaging.postgres_session import Connection
from shared.messaging.topics_admin import Described

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
