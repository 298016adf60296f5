"""Fixtures for all suites."""

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shared.db.database import Database
from tests.support.log import any_log, event_log, kafka, log_kind, log_server, log_topics
from tests.support.postgres import PostgresForTests, running_postgres
from tests.support.statements import compile_statements_once

__all__ = ["any_log", "event_log", "kafka", "log_kind", "log_server", "log_topics"]

_LONGEST = (
    "tests/faults/",
    "tests/demo/test_demo.py",
    "tests/authorisation/test_matrix.py",
    "tests/services/embedded/",
    "tests/services/cli/test_commands.py",
    "tests/services/intake/evidence/test_memory.py",
    "tests/services/triage/bulk/test_at_once.py",
    "tests/shared/messaging/",
)
"""Tests of up to minutes, which begin first: else a run ends with one process at work on one of them."""

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "here")  # no test may depend on speed; "ci" is Hypothesis's own
compile_statements_once()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, in the random order that they have; several processes take tests in this order."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresForTests]:
    """The machine's PostgreSQL for tests."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def database(request: pytest.FixtureRequest, postgres: PostgresForTests) -> AsyncIterator[Database]:
    """A fresh database for the service named by the module's `SERVICE`."""
    async with postgres.database(request.module.SERVICE) as fresh:
        yield fresh


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A place for an embedded Signpost's data.

    Not below pytest's own folder: every test process closes that folder to others again, and if root runs the tests,
    PostgreSQL is another user.
    """
    folder = Path(tempfile.mkdtemp(prefix="signpost-"))
    yield folder / "data"
    shutil.rmtree(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what tests recorded as `summary`, and the time by folder beside the slowest tests (`--durations=20`)."""
    groups = terminalreporter.stats.values()
    reports = [one for group in groups for one in group if isinstance(one, pytest.TestReport)]
    for report in reports:
        for name, said in report.user_properties:
            if (report.when, name) == ("call", "summary"):
                terminalreporter.section(report.nodeid)
                terminalreporter.line(str(said))
    if config.getoption("durations"):
        _show_time_by_folder(terminalreporter, reports)


def _show_time_by_folder(terminalreporter: pytest.TerminalReporter, reports: Sequence[pytest.TestReport]) -> None:
    seconds: dict[str, float] = defaultdict(float)
    for report in reports:
        path = Path(report.nodeid.partition("::")[0])
        seconds[str(Path(*path.parts[: 3 if path.parts[1] in {"services", "shared"} else 2]))] += report.duration
    terminalreporter.section("time by folder, in seconds of all test processes together")
    for folder, spent in sorted(seconds.items(), key=lambda entry: -entry[1]):
        terminalreporter.line(f"{spent:8.1f}  {folder}")
