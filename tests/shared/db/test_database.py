"""A transaction is whole or nothing, and a sweep does due work in batches until none is left."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, MetaData, String, Table, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import SystemClock
from shared.db import bulk
from shared.db.database import Database
from shared.db.sweep import Sweep
from tests.support.wire import over_a_wire

SERVICE = "intake"
LIMIT_SECONDS = 60
MANY = 20_000
"""The number of rows: more than the buffers between two machines hold."""


class _ChangedItsMind(Exception):
    pass


async def test_what_fails_leaves_nothing_behind(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("create table thing (name text)"))
    with pytest.raises(_ChangedItsMind):
        await _half_a_thing(database)
    async with database.transaction() as session:
        assert await session.scalar(text("select count(*) from thing")) == 0


async def test_times_are_in_utc_whatever_the_machine_thinks(database: Database) -> None:
    async with database.transaction() as session:
        now = await session.scalar(text("select now()"))
    assert isinstance(now, datetime)
    assert now.utcoffset() == timedelta(0)


async def test_a_server_that_falls_silent_is_given_up_and_another_connection_is_made(database: Database) -> None:
    async with over_a_wire(database) as (remote, wire):
        with pytest.raises(TimeoutError):
            await _asks_twice(remote, wire.go_silent)
        assert await _asks_twice(remote, lambda: None) == 2


async def test_a_server_that_falls_silent_among_many_rows_is_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_COPIED_WITHIN", 1.0)
    thing = Table("thing", MetaData(), Column("name", String))
    async with database.transaction() as session:
        await session.execute(text("create table thing (name text)"))
    async with over_a_wire(database) as (remote, wire):
        with pytest.raises(TimeoutError):
            await _copies(remote, thing, wire.go_silent)
        monkeypatch.setattr(bulk, "_COPIED_WITHIN", LIMIT_SECONDS)
        await _copies(remote, thing, lambda: None)
    async with database.transaction() as session:
        assert await session.scalar(text("select count(*) from thing")) == MANY


async def test_a_sweep_goes_on_while_work_is_due_and_then_waits(database: Database) -> None:
    batches = [5, 3, 0]
    seen: list[datetime] = []
    stop = asyncio.Event()

    async def work(_session: AsyncSession, now: datetime) -> int:
        seen.append(now)
        if len(seen) == len(batches):
            stop.set()
        return batches[len(seen) - 1]

    sweep = Sweep("test", work, database=database, clock=SystemClock(), every=timedelta(hours=1))
    async with asyncio.timeout(LIMIT_SECONDS):
        await sweep.run(stop)
    assert len(seen) == len(batches)
    assert all(moment.tzinfo is UTC for moment in seen)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (OperationalError("select", {}, ConnectionError()), "database unavailable"),
        (PoolTimeout("no connection to lend"), "database unavailable"),
        (ZeroDivisionError(), "cannot sweep: ZeroDivisionError"),
    ],
    ids=["away", "too-busy", "defect"],
)
async def test_a_sweep_outlives_what_goes_wrong_and_says_so(database: Database, fault: Exception, reason: str) -> None:
    stop = asyncio.Event()
    attempts: list[str | None] = []

    async def work(_session: AsyncSession, _now: datetime) -> int:
        attempts.append(sweep.unready_because)
        if len(attempts) == 1:
            raise fault
        stop.set()
        return 0

    sweep = Sweep("test", work, database=database, clock=SystemClock(), every=timedelta(hours=1))
    async with asyncio.timeout(LIMIT_SECONDS):
        await sweep.run(stop)
    assert attempts == [None, reason]
    assert sweep.unready_because is None


async def _asks_twice(database: Database, between: Callable[[], None]) -> int:
    async with database.transaction() as session:
        await session.execute(text("select 1"))
        between()
        return int(await session.scalar(text("select 2")) or 0)


class _Rows(list[dict[str, str]]):
    """Many rows, and a callback when the first is read: by then the server knows that rows are coming."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__([{"name": "x" * 1_000}] * MANY)
        self._meanwhile = meanwhile

    def __iter__(self) -> Iterator[dict[str, str]]:
        self._meanwhile()
        return super().__iter__()


async def _copies(database: Database, table: Table, meanwhile: Callable[[], None]) -> None:
    async with database.transaction() as session:
        await bulk.copy_in(session, table, _Rows(meanwhile))


async def _half_a_thing(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("insert into thing values ('half')"))
        raise _ChangedItsMind
