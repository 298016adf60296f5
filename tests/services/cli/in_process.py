"""Commands run in the tests' process, and databases that they find through their settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import command_line
from shared.auth.tokens import ensure_key_files
from shared.db.database import Database
from tests.support.postgres import PostgresForTests


async def signpost(*arguments: str, **settings: str) -> Result:
    """Run `signpost` with `arguments` and `settings` as it runs itself: in a thread without an event loop."""
    return await asyncio.to_thread(CliRunner().invoke, command_line(arguments), arguments, env=settings)


@asynccontextmanager
async def found_by_settings(
    service: str, postgres: PostgresForTests, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """Make a fresh database of `service`, keys in `keys`, and the variables that point commands to both."""
    async with postgres.fresh(service) as url:
        lead_commands_to(url, service, keys, monkeypatch)
        database = Database(url, application_name="tests")
        yield database
        await database.close()


def lead_commands_to(url: str, service: str, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that point commands to the database of `service` at `url`, and to keys in `keys`."""
    _, public = ensure_key_files(keys)
    monkeypatch.setenv("SIGNPOST_SECRET_KEY", "a secret that only tests have, no more")
    monkeypatch.setenv("SIGNPOST_VERIFY_KEY_FILE", str(public))
    monkeypatch.setenv(f"SIGNPOST_{service.upper()}_DATABASE_URL", url)
