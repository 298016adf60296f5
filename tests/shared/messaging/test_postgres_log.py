"""What only the log in PostgreSQL does: one reader per group, retention, compaction, topics as rows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from shared.events.topics import Cleanup, Topic
from shared.messaging.log import Fenced, LogUnavailable, Record, Subscription
from shared.messaging.postgres.log import PostgresLog
from shared.messaging.postgres.subscription import _COMMIT
from tests.support.postgres import PostgresForTests

KEPT = Topic("test.kept.v1", ("w",), (), timedelta(days=7), partitions=2)
STATE = Topic("test.state.v1", ("w",), (), None, Cleanup.COMPACT, partitions=1)
PATIENCE = 30.0


@pytest.fixture
async def url(postgres: PostgresForTests) -> AsyncIterator[str]:
    async with postgres.fresh() as url:
        yield url


@pytest.fixture
async def log(url: str) -> AsyncIterator[PostgresLog]:
    log = await PostgresLog.open(url, topics=[KEPT, STATE])
    yield log
    await log.close()


@pytest.fixture
async def beside(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the log, to look and to do damage."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def test_a_url_may_say_how_to_use_tls(url: str) -> None:
    log = await PostgresLog.open(f"{url}{'&' if '?' in url else '?'}ssl=prefer", topics=[KEPT])
    member = await log.subscribe("group", [KEPT.name])
    assert await values(member) == []
    await log.close()


async def values(member: Subscription) -> list[bytes | None]:
    batch = await member.poll(100, timedelta(0))
    await member.commit(batch)
    return [received.record.value for received in batch.records]


async def age(beside: asyncpg.Connection, days: float) -> None:
    await beside.execute("update log_record set appended_at = appended_at - $1::interval", timedelta(days=days))


async def test_records_leave_after_the_topics_retention(log: PostgresLog, beside: asyncpg.Connection) -> None:
    appender = await log.appender("w")
    await appender.append([Record(KEPT.name, b"key", b"old")])
    await age(beside, 7.01)
    await appender.append([Record(KEPT.name, b"key", b"new")])
    assert await log.retain() == 1
    assert await values(await log.subscribe("group", [KEPT.name])) == [b"new"]


async def test_a_member_whose_records_all_left_goes_on_behind_them(
    log: PostgresLog, beside: asyncpg.Connection
) -> None:
    appender = await log.appender("w")
    await appender.append([Record(KEPT.name, b"key", b"old")])
    await age(beside, 8)
    await log.retain()
    member = await log.subscribe("group", [KEPT.name])
    assert await values(member) == []
    assert set((await member.lag()).values()) == {0}
    await appender.append([Record(KEPT.name, b"key", b"new")])
    assert await values(member) == [b"new"]


async def test_compaction_keeps_the_newest_record_of_each_key(log: PostgresLog, beside: asyncpg.Connection) -> None:
    words = [(b"a", b"a1"), (b"b", b"b1"), (b"a", b"a2"), (b"c", b"c1"), (b"c", None)]
    await (await log.appender("w")).append([Record(STATE.name, key, value) for key, value in words])
    await age(beside, 365)
    await log.retain()
    assert await values(await log.subscribe("group", [STATE.name])) == [b"b1", b"a2"]


async def test_a_fresh_tombstone_stays_so_that_readers_see_it(log: PostgresLog) -> None:
    await (await log.appender("w")).append([Record(STATE.name, b"a", b"a1"), Record(STATE.name, b"a", None)])
    await log.retain()
    assert await values(await log.subscribe("group", [STATE.name])) == [None]


async def test_offsets_go_on_after_everything_was_let_go(log: PostgresLog, beside: asyncpg.Connection) -> None:
    appender = await log.appender("w")
    await appender.append([Record(STATE.name, b"a", b"1"), Record(STATE.name, b"a", None)])
    await age(beside, 2)
    await log.retain()
    await appender.append([Record(STATE.name, b"a", b"2")])
    batch = await (await log.subscribe("group", [STATE.name])).poll(10, timedelta(0))
    assert [received.position.offset for received in batch.records] == [2]


async def test_a_start_fences_the_reader_of_an_earlier_one(url: str, log: PostgresLog) -> None:
    earlier = await PostgresLog.open(url, topics=[])
    left = await earlier.subscribe("group", [KEPT.name])
    await (await log.appender("w")).append([Record(KEPT.name, b"%d" % n, b"v") for n in range(20)])
    in_hand = await left.poll(100, timedelta(0))
    assert len(in_hand.records) == 20
    reader = await log.subscribe("group", [KEPT.name])
    with pytest.raises(Fenced):
        await left.commit(in_hand)
    with pytest.raises(Fenced):
        await left.poll(100, timedelta(0))
    assert len(await values(reader)) == 20
    await earlier.close()


async def test_a_start_waits_for_the_commit_that_a_killed_process_left_running(
    log: PostgresLog, beside: asyncpg.Connection
) -> None:
    killed = await log.subscribe("group", [STATE.name])
    await (await log.appender("w")).append([Record(STATE.name, b"a", b"1"), Record(STATE.name, b"b", b"2")])
    batch = await killed.poll(1, timedelta(0))
    async with beside.transaction():  # as its server process does: offsets stored, and not committed yet
        await beside.execute(_COMMIT, "group", batch.generation, [STATE.name], [0], [1])
        starting = asyncio.create_task(log.subscribe("group", [STATE.name]))
        async with asyncio.timeout(PATIENCE):
            while not await beside.fetchval(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            ):
                await beside.execute("select pg_stat_clear_snapshot()")  # a transaction keeps what it saw first
                await asyncio.sleep(0)
        assert not starting.done()
    assert await values(await starting) == [b"2"]


async def test_a_commit_that_comes_after_a_start_changes_nothing(log: PostgresLog, beside: asyncpg.Connection) -> None:
    killed = await log.subscribe("group", [KEPT.name])
    await (await log.appender("w")).append([Record(KEPT.name, b"key", b"v")])
    batch = await killed.poll(1, timedelta(0))
    reader = await log.subscribe("group", [KEPT.name])
    places, offsets = list(batch.next_offsets), list(batch.next_offsets.values())
    topics, partitions = [topic for topic, _ in places], [partition for _, partition in places]
    assert await beside.execute(_COMMIT, "group", batch.generation, topics, partitions, offsets) == "INSERT 0 0"
    assert await values(reader) == [b"v"]


async def test_a_partition_that_is_added_is_read_by_who_reads_already(url: str, log: PostgresLog) -> None:
    reader, appender = await log.subscribe("group", [KEPT.name]), await log.appender("w")
    await appender.append([Record(KEPT.name, b"key", b"before")])
    assert await values(reader) == [b"before"]
    await log.apply([replace(KEPT, partitions=8)])
    wider = await PostgresLog.open(url, topics=[])
    await (await wider.appender("w")).append([Record(KEPT.name, b"%d" % n, b"after") for n in range(30)])
    assert await values(reader) == [b"after"] * 30
    await wider.close()


_EARLIER_VERSION = """
create table log_group (name text primary key, generation bigint not null);
create table log_member (
    group_name text not null references log_group,
    id uuid not null,
    topics text[] not null,
    backend int not null,
    expires_at timestamptz not null,
    primary key (group_name, id)
);
create table log_offset (
    group_name text not null,
    topic text not null,
    partition int not null,
    next_offset bigint not null,
    primary key (group_name, topic, partition)
);
insert into log_group values ('group', 7);
insert into log_member values ('group', gen_random_uuid(), '{test.state.v1}', 1, now() + interval '1 hour');
insert into log_offset values ('group', 'test.state.v1', 0, 1);
"""


async def test_a_data_directory_of_an_earlier_version_still_starts(url: str, beside: asyncpg.Connection) -> None:
    await beside.execute(_EARLIER_VERSION)
    log = await PostgresLog.open(url, topics=[STATE])
    await (await log.appender("w")).append([Record(STATE.name, b"a", b"handled"), Record(STATE.name, b"b", b"new")])
    reader = await log.subscribe("group", [STATE.name])
    batch = await reader.poll(100, timedelta(0))
    assert [received.record.value for received in batch.records] == [b"new"]
    assert batch.generation > 7
    assert await beside.fetchval("select to_regclass('log_member')") is None
    await log.close()


async def test_a_lost_connection_is_a_log_that_is_away_for_a_moment(
    log: PostgresLog, beside: asyncpg.Connection
) -> None:
    member = await log.subscribe("group", [KEPT.name])
    await (await log.appender("w")).append([Record(KEPT.name, b"key", b"v")])
    await beside.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    found: list[bytes | None] = []
    async with asyncio.timeout(PATIENCE):
        while not found:
            try:
                found = await values(member)
            except (LogUnavailable, Fenced):
                await asyncio.sleep(0)
    assert found == [b"v"]


async def test_appending_to_a_topic_that_was_not_created_waits_until_it_is_created(log: PostgresLog) -> None:
    appender = await log.appender("w")
    new = Topic("test.new.v1", ("w",), (), timedelta(days=1), partitions=1)
    with pytest.raises(LogUnavailable):
        await appender.append([Record(new.name, b"key", b"v")])
    await log.apply([new])
    await appender.append([Record(new.name, b"key", b"v")])
    assert await values(await log.subscribe("group", [new.name])) == [b"v"]


async def test_opening_twice_changes_nothing(url: str, log: PostgresLog) -> None:
    await (await log.appender("w")).append([Record(KEPT.name, b"key", b"v")])
    again = await PostgresLog.open(url, topics=[KEPT, STATE])
    assert await values(await again.subscribe("group", [KEPT.name])) == [b"v"]
    await again.close()
