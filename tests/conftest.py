"""Fixtures that every suite shares."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.db.database import Database
from tests.support.log import event_log
from tests.support.postgres import PostgresForTests, running_postgres

__all__ = ["event_log"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresForTests]:
    """The machine's PostgreSQL for tests."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def database(request: pytest.FixtureRequest, postgres: PostgresForTests) -> AsyncIterator[Database]:
    """A fresh database of the service named by the module's `SERVICE`."""
    async with postgres.database(request.module.SERVICE) as fresh:
        yield fresh
