"""Fixtures that every suite shares."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shared.db.database import Database
from tests.support.log import any_log, event_log, kafka, log_kind, log_server, log_topics
from tests.support.postgres import PostgresForTests, running_postgres

__all__ = ["any_log", "event_log", "kafka", "log_kind", "log_server", "log_topics"]

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "here")  # no test may depend on speed; "ci" is Hypothesis's own


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


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A place for an embedded Signpost's data.

    Not below pytest's own folder: that is closed to others again by every test process, and run by root, PostgreSQL
    is another person.
    """
    folder = Path(tempfile.mkdtemp(prefix="signpost-"))
    yield folder / "data"
    shutil.rmtree(folder)
