"""Fixtures that every suite shares."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.db.database import Database
from tests.support.log import any_log, event_log, kafka, log_kind, log_server
from tests.support.postgres import PostgresForTests, running_postgres

__all__ = ["any_log", "event_log", "kafka", "log_kind", "log_server"]


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
