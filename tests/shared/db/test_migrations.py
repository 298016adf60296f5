"""Migrations run from empty, twice without harm, and say plainly when the data belongs to another version."""

import pytest
from sqlalchemy import text

from shared.db import migrations
from shared.db.database import Database
from shared.events.topics import SERVICES
from tests.support.postgres import PostgresForTests


@pytest.mark.parametrize("service", SERVICES)
async def test_an_empty_database_is_migrated_and_a_second_time_changes_nothing(
    postgres: PostgresForTests, service: str
) -> None:
    async with postgres.fresh() as url:
        await migrations.upgrade(service, url)
        await migrations.upgrade(service, url)
        await migrations.check(service, url)


async def test_data_of_another_version_is_refused_with_one_line(postgres: PostgresForTests) -> None:
    async with postgres.database("intake") as database:
        await _say_revision(database, "ffffffffffff")
        with pytest.raises(migrations.MadeByAnotherVersion, match="intake was made by another version"):
            await migrations.upgrade("intake", database.engine.url.render_as_string(hide_password=False))


async def _say_revision(database: Database, revision: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("update alembic_version set version_num = :revision"), {"revision": revision})
