"""Many rows at once: in the session's transaction, refused and rolled back like any other statement."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, Table, Text, Uuid, func, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import bulk
from shared.db.bulk import copy_in
from shared.db.database import Database
from shared.messaging.faults import class_of, is_transient
from tests.support.postgres import PostgresForTests

METADATA = MetaData()
parent = Table("parent", METADATA, Column("id", Uuid, primary_key=True))
row = Table(
    "row",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("parent", ForeignKey("parent.id")),
    Column("words", ARRAY(Text), nullable=False),
    Column("told", JSONB(none_as_null=True)),
    Column("at", DateTime(timezone=True)),
    Column("number", Integer),
)
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
async def database(postgres: PostgresForTests) -> AsyncIterator[Database]:
    async with postgres.fresh() as url:
        database = Database(url, application_name="tests")
        async with database.engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        yield database
        await database.close()


def rows(*ids: UUID, **changes: object) -> list[dict[str, object]]:
    given = {"words": ["a", 'b, "c"'], "told": {"one": ["☃", 2]}, "at": NOW, "number": None}
    return [{"id": row_id, **given, **changes} for row_id in ids]


async def stored(database: Database) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(select(func.count()).select_from(row)) or 0)


async def test_a_row_may_be_one_value(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("create table note (words text)"))
        await copy_in(session, Table("note", MetaData(), Column("words", Text)), [{"words": "more than a letter"}])
        assert await session.scalar(text("select words from note")) == "more than a letter"


async def test_values_of_every_kind_come_back_as_they_were(database: Database) -> None:
    first, second = uuid4(), uuid4()
    async with database.transaction() as session:
        await copy_in(session, row, rows(first) + rows(second, told=None, number=7))
    async with database.transaction() as session:
        found = {one.id: one for one in await session.execute(select(row))}
    assert (found[first].words, found[first].told, found[first].at) == (["a", 'b, "c"'], {"one": ["☃", 2]}, NOW)
    assert (found[second].told, found[second].number) == (None, 7)


async def test_the_first_statement_of_a_transaction_is_rolled_back_with_it(database: Database) -> None:
    async with database.transaction() as session:
        await copy_in(session, row, rows(uuid4()))
        await session.rollback()
    assert await stored(database) == 0


async def test_what_the_session_holds_back_is_there_first(database: Database) -> None:
    parent_id = uuid4()
    async with database.transaction() as session:
        await session.execute(insert(parent), {"id": parent_id})
        await copy_in(session, row, rows(uuid4(), parent=parent_id))
    assert await stored(database) == 1


async def test_a_constraint_refuses_all_rows_and_the_savepoint_saves_the_rest(database: Database) -> None:
    twice = uuid4()
    async with database.transaction() as session:
        await copy_in(session, row, rows(twice))
        with pytest.raises(DBAPIError) as refused:
            await in_savepoint(session, rows(uuid4(), twice))
        await copy_in(session, row, rows(uuid4()))
    assert class_of(refused.value) == "UniqueViolationError"
    assert not is_transient(refused.value)
    assert await stored(database) == 2


async def test_a_value_of_the_wrong_kind_is_refused_and_the_savepoint_saves_the_rest(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(TypeError):
            await in_savepoint(session, rows(uuid4(), number="seven"))
        await copy_in(session, row, rows(uuid4()))
    assert await stored(database) == 1


async def test_a_database_that_goes_away_is_a_passing_fault(database: Database) -> None:
    with pytest.raises(DBAPIError) as lost:
        await copy_into_a_lost_connection(database)
    assert is_transient(lost.value)
    assert await stored(database) == 0


async def test_what_the_driver_cannot_make_sense_of_is_a_lost_connection(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def confused(*_: object) -> None:
        raise asyncpg.InternalClientError

    monkeypatch.setattr(bulk, "copy_records", confused)
    with pytest.raises(DBAPIError) as lost:
        async with database.transaction() as session:
            await copy_in(session, row, rows(uuid4()))
    assert is_transient(lost.value)


async def copy_into_a_lost_connection(database: Database) -> None:
    async with database.transaction() as session, database.transaction() as other:
        process = await session.scalar(text("select pg_backend_pid()"))
        await other.execute(text("select pg_terminate_backend(:process)"), {"process": process})
        await copy_in(session, row, rows(uuid4()))


async def in_savepoint(session: AsyncSession, new: list[dict[str, Any]]) -> None:
    async with session.begin_nested():
        await copy_in(session, row, new)
