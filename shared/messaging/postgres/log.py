"""The event log in PostgreSQL: the embedded default, under the same contract as Kafka.

Records of a partition become visible in offset order, because an append locks the partition's head until it commits.
One process reads the log, and each group has one reader: see `subscription`.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self
from zlib import crc32

from shared.db.bulk import copy_records
from shared.events.topics import TOPICS, Topic
from shared.messaging.log import Appender, Fenced, LogUnavailable, Record, Subscription, headers_to_text
from shared.messaging.postgres.database import (
    CHANNEL,
    Connection,
    LogDatabase,
    apply_topics,
    create_tables,
    described_topics,
    reachable,
)
from shared.messaging.postgres.subscription import PostgresSubscription
from shared.messaging.topics_admin import Described

_OPEN_WRITER = """
insert into log_writer (id, epoch) values ($1, 1)
on conflict (id) do update set epoch = log_writer.epoch + 1 returning epoch
"""
_HOLD_WRITER = "select 1 from log_writer where id = $1 and epoch = $2 for share"
_LOCK_HEADS = """
select topic, partition, next_offset from log_partition
where (topic, partition) in (select * from unnest($1::text[], $2::int[]))
order by topic, partition for update
"""
_MOVE_HEADS = """
update log_partition p set next_offset = n.next_offset
from unnest($1::text[], $2::int[], $3::bigint[]) n (topic, partition, next_offset)
where p.topic = n.topic and p.partition = n.partition
"""
_BEHIND = """
select o.group_name, sum(p.next_offset - o.next_offset)::bigint as behind
from log_offset o join log_partition p on p.topic = o.topic and p.partition = o.partition
where o.group_name = any($1) group by o.group_name
"""
_COLUMNS = ("topic", "partition", "offset", "key", "value", "headers")

_Partition = tuple[str, int]


class PostgresLog:
    """The log in one database."""

    def __init__(self, database: LogDatabase) -> None:
        self._database = database
        self._partitions: Mapping[str, int] = {}

    @classmethod
    async def open(cls, url: str, *, topics: Sequence[Topic] = TOPICS) -> Self:
        """Connect, and create missing tables and `topics`.

        Args:
            url: `postgresql+asyncpg://…`, a database that only the log uses.
            topics: the topics of the log.

        Raises:
            LogUnavailable: the database is unavailable.
        """
        async with reachable():
            database = await LogDatabase.open(url)
            async with database.connection() as connection:
                await create_tables(connection, topics)
        return cls(database)

    async def apply(self, topics: Sequence[Topic]) -> None:
        """Create or alter `topics`."""
        async with self._connection() as connection, connection.transaction():
            await apply_topics(connection, topics)

    async def described(self) -> Mapping[str, Described]:
        """Return every topic."""
        async with self._connection() as connection:
            return await described_topics(connection)

    async def appender(self, writer_id: str) -> Appender:
        """Open the one appender of `writer_id`, fencing any earlier one."""
        async with self._connection() as connection:
            epoch = await connection.fetchval(_OPEN_WRITER, writer_id)
        return PostgresAppender(self, writer_id, epoch)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Start to read for `group`, and fence its earlier reader."""
        subscription = PostgresSubscription(self._database, group, topics)
        async with reachable():
            await subscription.start()
        return subscription

    async def behind(self, groups: Sequence[str]) -> Mapping[str, int]:
        """Return how far the committed offsets of `groups` are behind the heads."""
        async with self._connection() as connection:
            rows = await connection.fetch(_BEHIND, list(groups))
        return {row["group_name"]: row["behind"] for row in rows}

    async def append(self, writer: tuple[str, int], records: Sequence[Record]) -> None:
        """Append for a writer with a valid epoch; appenders call this.

        Raises:
            Fenced: a newer writer has the next epoch.
            LogUnavailable: the database is unavailable.
        """
        async with self._connection() as connection:
            by_partition = await self._distribute(connection, records)
            async with connection.transaction():
                if await connection.fetchval(_HOLD_WRITER, *writer) is None:
                    raise Fenced
                await _append(connection, by_partition)

    async def retain(self) -> int:
        """Delete records by retention and compaction, and return how many; a sweep calls this."""
        async with self._connection() as connection:
            return sum([_count(await connection.execute(statement)) for statement in (_EXPIRED, _COMPACTED)])

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with reachable(), self._database.connection() as connection:
            yield connection

    async def _distribute(self, connection: Connection, records: Sequence[Record]) -> Mapping[_Partition, list[Record]]:
        await self._know_topics(connection, {record.topic for record in records})
        by_partition: dict[_Partition, list[Record]] = defaultdict(list)
        for record in records:
            partition = crc32(record.key or b"") % self._partitions[record.topic]
            by_partition[record.topic, partition].append(record)
        return by_partition

    async def _know_topics(self, connection: Connection, names: Iterable[str]) -> None:
        if self._partitions.keys() >= set(names):
            return
        described = await described_topics(connection)
        self._partitions = {name: topic.partitions for name, topic in described.items()}
        if missing := set(names) - self._partitions.keys():
            raise LogUnavailable(f"topics not created yet: {', '.join(sorted(missing))}")


class PostgresAppender:
    """The only writer with its id."""

    def __init__(self, log: PostgresLog, writer_id: str, epoch: int) -> None:
        self._log = log
        self._writer = (writer_id, epoch)

    async def append(self, records: Sequence[Record]) -> None:
        """Append all of `records` in one transaction, or none."""
        if records:
            await self._log.append(self._writer, records)

    async def close(self) -> None:
        """Close nothing: an appender holds no connection between appends."""


async def _append(connection: Connection, by_partition: Mapping[_Partition, list[Record]]) -> None:
    topics, partitions = [topic for topic, _ in by_partition], [partition for _, partition in by_partition]
    heads = await connection.fetch(_LOCK_HEADS, topics, partitions)
    offsets = {(topic, partition): offset for topic, partition, offset in heads}
    rows = [
        (*place, offset, record.key, record.value, headers_to_text(record.headers))
        for place, records in by_partition.items()
        for offset, record in enumerate(records, offsets[place])
    ]
    await copy_records(connection, "log_record", _COLUMNS, rows)
    ends = [offsets[place] + len(records) for place, records in by_partition.items()]
    await connection.execute(_MOVE_HEADS, topics, partitions, ends)
    await connection.execute("select pg_notify($1, $2)", CHANNEL, " ".join(sorted(set(topics))))


_EXPIRED = """
delete from log_record r using log_topic t
where t.name = r.topic and r.appended_at < now() - t.retention
"""
_COMPACTED = """
with ranked as (
    select r.topic, r.partition, r."offset",
           r.value is null and r.appended_at < now() - interval '1 day' as forgotten,
           row_number() over (partition by r.topic, r.partition, r.key order by r."offset" desc) as age
    from log_record r join log_topic t on t.name = r.topic where t.compacted and r.key is not null
)
delete from log_record r using ranked
where r.topic = ranked.topic and r.partition = ranked.partition and r."offset" = ranked."offset"
and (ranked.age > 1 or ranked.forgotten)
"""


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
