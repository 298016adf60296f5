"""Each service's migrations agree with its mappings."""

import pytest
from alembic.script import ScriptDirectory

from shared.db import migrations
from tests.architecture.source import ROOT, SERVICES
from tests.support.postgres import PostgresForTests


@pytest.mark.filterwarnings("error::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_migrated_database_is_what_the_mappings_describe(service: str, postgres: PostgresForTests) -> None:
    async with postgres.fresh(service) as url:
        await migrations.check(service, url)


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_one_line_without_branches(service: str) -> None:
    heads = ScriptDirectory(str(ROOT / "services" / service / "migrations")).get_heads()
    assert len(heads) == 1
