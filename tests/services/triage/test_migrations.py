"""The migrations agree with the mappings."""

from shared.db import migrations
from tests.support.postgres import PostgresForTests


async def test_migrations_and_mappings_agree(postgres: PostgresForTests) -> None:
    async with postgres.fresh("triage") as url:
        await migrations.check("triage", url)
