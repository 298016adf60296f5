"""Members of a group on the PostgreSQL log: who reads which partition, and who may commit.

Members are rows with a lease, and are gone at once when their server process is. Whenever one comes or goes, the
group's generation grows; assignments follow from the members of a generation alone, and a commit under an older
generation is refused.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg

from shared.messaging.log import Batch, Fenced, LogUnavailable, Position, ReceivedRecord, Record, headers_from_text
from shared.messaging.postgres.database import Bell, Connection, Connections, reachable

_LOCK_GROUP = "select generation from log_group where name = $1 for update"
_REAP = """
with gone as (
    delete from log_member m where m.group_name = $1 and m.id <> $2 and (
        m.expires_at < clock_timestamp() or not exists (select 1 from pg_stat_activity a where a.pid = m.backend)
    ) returning 1
)
update log_group set generation = generation + 1 where name = $1 and exists (select 1 from gone)
"""
_ENTER = """
insert into log_member (group_name, id, topics, backend, expires_at)
values ($1, $2, $3, $4, clock_timestamp() + $5)
on conflict (group_name, id) do update set backend = excluded.backend, expires_at = excluded.expires_at
returning xmax = 0 as entered
"""
_LEAVE = """
with gone as (delete from log_member where group_name = $1 and id = $2 returning 1)
update log_group set generation = generation + 1 where name = $1 and exists (select 1 from gone)
"""
_GROW = "update log_group set generation = generation + 1 where name = $1"
_MEMBERS = """
select g.generation, m.id, m.topics from log_group g join log_member m on m.group_name = g.name
where g.name = $1 order by m.id
"""
_HEADS = """
select g.generation, p.topic, p.partition, p.next_offset
from log_group g left join log_partition p on p.topic = any($2) where g.name = $1
"""
_COMMITTED = "select topic, partition, next_offset from log_offset where group_name = $1 and topic = any($2)"
_READ = """
select r.topic, r.partition, r."offset", r.key, r.value, r.headers, r.appended_at
from unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) as want (topic, partition, position, most)
cross join lateral (
    select * from log_record l
    where l.topic = want.topic and l.partition = want.partition and l."offset" >= want.position
    order by l."offset" limit want.most
) r
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
    """One member of a group."""

    def __init__(self, sessions: Connections, group: str, topics: Sequence[str], lease: timedelta) -> None:
        self._sessions = sessions
        self._group = group
        self._topics = sorted(topics)
        self._lease = lease
        self._id: UUID = uuid4()
        self._bell = Bell(frozenset(topics))
        self._generation = -1
        self._positions: _Offsets = {}
        self._turn = 0
        self._heartbeat: asyncio.Task[None] | None = None

    async def join(self) -> None:
        """Become a member and start to show signs of life."""
        await self._show_life()
        self._sessions.add(self._bell)
        self._heartbeat = asyncio.create_task(self._keep_alive(), name=f"{self._group}-heartbeat")

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        """Return records as soon as there are any; an empty batch after `timeout`."""
        async with reachable():
            await self._sessions.backend()
            self._bell.silence()
            batch = await self._read(max_records)
            if not batch.next_offsets and timeout:
                await self._bell.wait(timeout.total_seconds())
                batch = await self._read(max_records)
        return batch

    async def commit(self, batch: Batch) -> None:
        """Store the offsets of `batch`, unless the group has moved on without this member."""
        if not batch.next_offsets:
            return
        places = list(batch.next_offsets)
        columns = [topic for topic, _ in places], [partition for _, partition in places]
        async with reachable(), self._sessions.connection() as connection:
            status = await connection.execute(
                _COMMIT, self._group, batch.generation, *columns, list(batch.next_offsets.values())
            )
        if status == "INSERT 0 0":
            raise Fenced

    async def rewind(self) -> None:
        """Forget what was polled and not committed."""
        self._generation = -1

    async def end_offsets(self) -> Mapping[_Partition, int]:
        """Return the head of every assigned partition."""
        async with reachable(), self._sessions.connection() as connection:
            return await self._heads(connection)

    async def reached(self) -> Mapping[_Partition, int]:
        """Return the offset to read on from, per partition that was assigned at the last look."""
        return dict(self._positions)

    async def lag(self) -> Mapping[_Partition, int]:
        """Return how far the committed offset is behind the head, per assigned partition."""
        async with reachable(), self._sessions.connection() as connection:
            heads, committed = await self._heads(connection), await self._committed(connection)
        return {place: head - committed.get(place, 0) for place, head in heads.items()}

    async def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._sessions.remove(self._bell)
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)
        with suppress(LogUnavailable):
            async with reachable(), self._sessions.connection() as connection:
                await connection.execute(_LEAVE, self._group, self._id)

    async def _read(self, max_records: int) -> Batch:
        async with self._sessions.connection() as connection:
            heads = await self._heads(connection)
            behind = {place: head - self._positions[place] for place, head in heads.items()}
            wanted = self._share_out(max_records, {place: count for place, count in behind.items() if count > 0})
            rows = await connection.fetch(_READ, *self._request(wanted)) if wanted else []
        records = [
            _received(row) for row in sorted(rows, key=lambda row: (row["topic"], row["partition"], row["offset"]))
        ]
        next_offsets = _next_offsets(records, wanted, heads)
        self._positions.update(next_offsets)
        left = sum(head - self._positions[place] for place, head in heads.items())
        return Batch(records, self._generation, next_offsets, left)

    async def _heads(self, connection: Connection) -> _Offsets:
        """Return the heads of the assigned partitions, after taking a new assignment where the group has changed."""
        while True:
            rows = await connection.fetch(_HEADS, self._group, self._topics)
            if rows and rows[0]["generation"] == self._generation:
                heads = {(row["topic"], row["partition"]): row["next_offset"] for row in rows if row["topic"]}
                return {place: heads[place] for place in self._positions if place in heads}
            await self._take_assignment(connection, [(row["topic"], row["partition"]) for row in rows if row["topic"]])

    async def _take_assignment(self, connection: Connection, places: Sequence[_Partition]) -> None:
        members = await connection.fetch(_MEMBERS, self._group)
        if self._id not in {member["id"] for member in members}:
            await self._show_life()
            return
        mine = [place for place in places if _reader(place, members) == self._id]
        committed = await self._committed(connection)
        self._positions = {place: committed.get(place, 0) for place in mine}
        self._generation = members[0]["generation"]

    async def _committed(self, connection: Connection) -> _Offsets:
        rows = await connection.fetch(_COMMITTED, self._group, self._topics)
        return {(topic, partition): offset for topic, partition, offset in rows}

    def _share_out(self, most: int, behind: _Offsets) -> _Offsets:
        """Share `most` records between partitions that have any; none starves, none is asked for what it lacks."""
        self._turn += 1
        places = sorted(behind, key=lambda place: behind[place])
        if len(places) > most:
            start = self._turn % len(places)
            places = sorted((places[start:] + places[:start])[:most], key=lambda place: behind[place])
        wanted: _Offsets = {}
        for left, place in zip(range(len(places), 0, -1), places, strict=True):
            wanted[place] = min(behind[place], most // left)
            most -= wanted[place]
        return wanted

    def _request(self, wanted: _Offsets) -> tuple[list[str], list[int], list[int], list[int]]:
        return (
            [topic for topic, _ in wanted],
            [partition for _, partition in wanted],
            [self._positions[place] for place in wanted],
            list(wanted.values()),
        )

    async def _show_life(self) -> None:
        """Enter the group or renew the lease, and let go of members that are gone."""
        backend = await self._sessions.backend()
        async with self._sessions.connection() as connection, connection.transaction():
            await connection.execute("insert into log_group values ($1, 0) on conflict do nothing", self._group)
            await connection.fetchval(_LOCK_GROUP, self._group)
            await connection.execute(_REAP, self._group, self._id)
            if await connection.fetchval(_ENTER, self._group, self._id, self._topics, backend, self._lease):
                await connection.execute(_GROW, self._group)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 4)
            with suppress(LogUnavailable):
                async with reachable():
                    await self._show_life()


def _reader(place: _Partition, members: Sequence[asyncpg.Record]) -> UUID | None:
    """Return the member that reads `place`: partitions go round the members that want the topic."""
    wanting = [member["id"] for member in members if place[0] in member["topics"]]
    return wanting[place[1] % len(wanting)] if wanting else None


def _received(row: asyncpg.Record) -> ReceivedRecord:
    topic, partition, offset, key, value, headers, appended_at = row
    record = Record(topic, key, value, headers_from_text(headers))
    return ReceivedRecord(record, Position(topic, partition, offset), appended_at)


def _next_offsets(records: Sequence[ReceivedRecord], wanted: _Offsets, heads: _Offsets) -> _Offsets:
    """Return where to go on: after the last record, or at the head where fewer came than were asked for."""
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
