"""What is particular to the log in PostgreSQL: leases, retention, compaction, topics as rows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from shared.events.topics import Cleanup, Topic
from shared.messaging.log import Fenced, LogUnavailable, Record, Subscription
from shared.messaging.postgres.log import PostgresLog
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
    """A connection beside the log, to look and to do harm."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


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


async def test_a_member_whose_process_is_gone_is_replaced_at_once(url: str, log: PostgresLog) -> None:
    other = await PostgresLog.open(url, topics=[], lease=timedelta(hours=1))
    gone = await other.subscribe("group", [KEPT.name])
    await (await log.appender("w")).append([Record(KEPT.name, b"%d" % n, b"v") for n in range(20)])
    in_hand = await gone.poll(100, timedelta(0))
    assert len(in_hand.records) == 20
    await other._sessions._listener.close()  # type: ignore[union-attr]  # as if the process had been killed
    member = await log.subscribe("group", [KEPT.name])
    assert len(await values(member)) == 20
    with pytest.raises(Fenced):
        await gone.commit(in_hand)
    await other.close()


async def test_a_member_that_says_nothing_loses_its_place(url: str, beside: asyncpg.Connection) -> None:
    log = await PostgresLog.open(url, topics=[KEPT], lease=timedelta(hours=1))
    silent = await log.subscribe("group", [KEPT.name])
    in_hand = await silent.poll(100, timedelta(0))
    await beside.execute("update log_member set expires_at = now() - interval '1 second'")
    member = await log.subscribe("group", [KEPT.name])
    assert len(await member.lag()) == KEPT.partitions
    await (await log.appender("w")).append([Record(KEPT.name, b"key", b"v")])
    assert await values(member) == [b"v"]
    assert in_hand.generation < (await member.poll(1, timedelta(0))).generation
    await log.close()


async def test_a_member_that_lost_its_place_joins_again(log: PostgresLog, beside: asyncpg.Connection) -> None:
    member = await log.subscribe("group", [KEPT.name])
    await beside.execute("delete from log_member")
    await beside.execute("update log_group set generation = generation + 1")
    await (await log.appender("w")).append([Record(KEPT.name, b"key", b"v")])
    assert await values(member) == [b"v"]


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


async def test_appending_to_a_topic_that_was_not_created_waits_for_somebody_to_create_it(log: PostgresLog) -> None:
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
