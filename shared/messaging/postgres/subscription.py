"""Reads the PostgreSQL log for a consumer group: one process, with one reader per group (decision 0035).

A start takes the group's next epoch. Anything left by an earlier process, such as a commit still running on the
server, belongs to an earlier epoch and is refused.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import asyncpg

from shared.messaging.log import Batch, Fenced, Position, ReceivedRecord, Record, headers_from_text
from shared.messaging.postgres.database import Connection, LogDatabase, reachable

_NEXT_EPOCH = """
insert into log_group (name, generation) values ($1, 1)
on conflict (name) do update set generation = log_group.generation + 1 returning generation
"""
_HEADS = """
select g.generation, p.topic, p.partition, p.next_offset
from log_group g left join log_partition p on p.topic = any($2) where g.name = $1
"""
_COMMITTED = """
select p.topic, p.partition, coalesce(o.next_offset, 0) as next_offset
from log_partition p
left join log_offset o on o.group_name = $1 and o.topic = p.topic and o.partition = p.partition
where p.topic = any($2)
"""
_READ = """
select r.topic, r.partition, r."offset", r.key, r.value, r.headers, r.appended_at
from unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) as want (topic, partition, position, most)
cross join lateral (
    select * from log_record l
    where l.topic = want.topic and l.partition = want.partition and l."offset" >= want.position
    order by l."offset" limit want.most
) r order by r.topic, r.partition, r."offset"
"""
_COMMIT = """
with mine as (select name from log_group where name = $1 and generation = $2 for share)
insert into log_offset (group_name, topic, partition, next_offset)
select mine.name, done.topic, done.partition, done.next_offset
from mine, unnest($3::text[], $4::int[], $5::bigint[]) as done (topic, partition, next_offset)
on conflict (group_name, topic, partition) do update set next_offset = excluded.next_offset
"""

_Partition = tuple[str, int]
_Offsets = dict[_Partition, int]


class PostgresSubscription:
    """The current reader of a group."""

    def __init__(self, database: LogDatabase, group: str, topics: Sequence[str]) -> None:
        self._database = database
        self._group = group
        self._topics = sorted(topics)
        self._epoch = 0
        self._positions: _Offsets = {}
        self._turn = 0
        self._read_everything_before: asyncio.Event | None = None
        """Set by the first append that the last, empty poll may have missed."""

    async def start(self) -> None:
        """Take the group's next epoch, and so fence its earlier reader."""
        async with self._database.connection() as connection:
            self._epoch = await connection.fetchval(_NEXT_EPOCH, self._group)
            self._positions = await self._committed(connection)  # no earlier reader can change it now

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        """Return records as soon as there are any; an empty batch after `timeout`.

        Raises:
            Fenced: the group has been started again.
            LogUnavailable: the database is unavailable.
        """
        async with reachable():
            appended = await self._database.wake_up.next(self._topics)
            nothing_new = timeout and appended is self._read_everything_before
            batch = Batch([], self._epoch) if nothing_new else await self._read(max_records)
            if not batch.next_offsets and timeout:
                await _wait(appended, timeout)
                batch = await self._read(max_records)
        self._read_everything_before = None if batch.next_offsets else appended
        return batch

    async def commit(self, batch: Batch) -> None:
        """Store the offsets of `batch`, unless the group has been started again."""
        if not batch.next_offsets:
            return
        async with reachable(), self._database.connection() as connection:
            status = await connection.execute(
                _COMMIT,
                self._group,
                batch.generation,
                [topic for topic, _ in batch.next_offsets],
                [partition for _, partition in batch.next_offsets],
                list(batch.next_offsets.values()),
            )
        if status == "INSERT 0 0":
            raise Fenced

    async def rewind(self) -> None:
        """Read on from the committed offsets."""
        self._read_everything_before = None
        async with reachable(), self._database.connection() as connection:
            self._positions = await self._committed(connection)

    async def end_offsets(self) -> Mapping[_Partition, int]:
        """Return the head of every partition."""
        async with reachable(), self._database.connection() as connection:
            return await self._heads(connection)

    async def reached(self) -> Mapping[_Partition, int]:
        """Return the offset to read on from, per partition that existed at the last check."""
        return dict(self._positions)

    async def lag(self) -> Mapping[_Partition, int]:
        """Return how far the committed offset is behind the head, per partition."""
        async with reachable(), self._database.connection() as connection:
            heads, committed = await self._heads(connection), await self._committed(connection)
        return {place: head - committed.get(place, 0) for place, head in heads.items()}

    async def close(self) -> None:
        """Do nothing: the next start takes the next epoch."""

    async def _read(self, max_records: int) -> Batch:
        async with self._database.connection() as connection:
            heads = await self._heads(connection)
            positions = dict.fromkeys(heads, 0) | self._positions  # partitions may have been added
            ahead = {place: head - positions[place] for place, head in heads.items() if head > positions[place]}
            wanted = self._share_out(max_records, ahead)
            rows = await connection.fetch(_READ, *_request(wanted, positions)) if wanted else []
        records = [_received(row) for row in rows]
        next_offsets = _next_offsets(records, wanted, heads)
        self._positions = positions | next_offsets
        left = sum(head - self._positions[place] for place, head in heads.items())
        return Batch(records, self._epoch, next_offsets, left)

    async def _heads(self, connection: Connection) -> _Offsets:
        rows = await connection.fetch(_HEADS, self._group, self._topics)
        if any(row["generation"] != self._epoch for row in rows):
            raise Fenced
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows if row["topic"]}

    async def _committed(self, connection: Connection) -> _Offsets:
        rows = await connection.fetch(_COMMITTED, self._group, self._topics)
        return {(topic, partition): offset for topic, partition, offset in rows}

    def _share_out(self, most: int, ahead: _Offsets) -> _Offsets:
        """Share `most` records among partitions that have any: none starves, and none is asked for more than it has."""
        self._turn += 1
        places = sorted(ahead, key=lambda place: ahead[place])
        if len(places) > most:
            start = self._turn % len(places)
            places = sorted((places[start:] + places[:start])[:most], key=lambda place: ahead[place])
        wanted: _Offsets = {}
        for left, place in zip(range(len(places), 0, -1), places, strict=True):
            wanted[place] = min(ahead[place], most // left)
            most -= wanted[place]
        return wanted


async def _wait(appended: asyncio.Event, timeout: timedelta) -> None:
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            await appended.wait()
    except TimeoutError:
        return


def _request(wanted: _Offsets, positions: _Offsets) -> tuple[list[str], list[int], list[int], list[int]]:
    return (
        [topic for topic, _ in wanted],
        [partition for _, partition in wanted],
        [positions[place] for place in wanted],
        list(wanted.values()),
    )


def _received(row: asyncpg.Record) -> ReceivedRecord:
    topic, partition, offset, key, value, headers, appended_at = row
    record = Record(topic, key, value, headers_from_text(headers))
    return ReceivedRecord(record, Position(topic, partition, offset), appended_at)


def _next_offsets(records: Sequence[ReceivedRecord], wanted: _Offsets, heads: _Offsets) -> _Offsets:
    """Return where to read on: after the last record, or at the head if fewer records came than requested."""
    last: _Offsets = {}
    count: _Offsets = dict.fromkeys(wanted, 0)
    for received in records:
        place = (received.position.topic, received.position.partition)
        last[place] = received.position.offset + 1
        count[place] += 1
    return {
        place: last[place] if count[place] == wanted[place] else max(heads[place], last.get(place, 0))
        for place in wanted
    }
