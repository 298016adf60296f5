"""`signpost accounts import`, in this process and against a database of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from typer.testing import Result

from services.cli.database import database_url
from services.registry.accounts import csv_file
from services.registry.accounts.domain import Account
from services.registry.accounts.queries import AccountFilter, all_accounts, find_open
from shared.clock import SystemClock
from shared.db.database import Database
from shared.ids import RandomIds
from shared.messaging.outbox import Outbox
from tests.services.cli.in_process import found_by_settings, signpost
from tests.support.postgres import PostgresForTests

HEADER = "platform,handle,class,status,title\n"
FINE = "x,fine,official,live,A title\n"


@pytest.fixture
async def database(
    postgres: PostgresForTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """A registry database that commands find through their settings."""
    async with found_by_settings("registry", postgres, tmp_path, monkeypatch) as database:
        yield database


async def imported(folder: Path, rows: str, *options: str) -> Result:
    file = folder / "accounts.csv"
    file.write_text(HEADER + rows, "utf-8")
    return await signpost("accounts", "import", str(file), *options)


async def handles(database: Database) -> set[str]:
    async with database.transaction() as session:
        return {account.registration.handle async for account in all_accounts(session, AccountFilter())}


async def test_a_bad_row_is_named_with_its_reason_and_nothing_is_changed(database: Database, tmp_path: Path) -> None:
    run = await imported(tmp_path, FINE + "x,some,personal,live,secretcanary\n")
    assert run.exit_code == 1
    assert run.stderr.startswith("row 3, class: Use one of official, ")
    assert len(run.stderr.splitlines()) == 1
    assert run.stdout == "Nothing was changed: correct these rows, or use --accept-valid.\n"
    assert "secretcanary" not in run.output
    assert await handles(database) == set()


async def test_the_rows_that_are_right_are_taken_when_asked_for(database: Database, tmp_path: Path) -> None:
    run = await imported(tmp_path, FINE + "x,some,personal,live,\n", "--accept-valid", "--json")
    assert run.exit_code == 1
    told = json.loads(run.stdout)
    assert (told["applied"], told["summary"]) == (True, "1 accounts registered, 0 known already")
    assert [(error["row"], error["column"]) for error in told["errors"]] == [(3, "class")]
    assert await handles(database) == {"fine"}


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_handle_that_somebody_registers_at_the_same_moment_is_told_in_one_line(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, as_json: bool
) -> None:
    """The other import commits after the file was compared with the register."""

    async def found_before(session: AsyncSession, pairs: Sequence[tuple[str, str]]) -> list[Account]:
        found = await find_open(session, pairs)
        monkeypatch.setattr(csv_file, "find_open", find_open)
        await asyncio.to_thread(asyncio.run, _registered_by_another())
        return found

    monkeypatch.setattr(csv_file, "find_open", found_before)
    run = await imported(tmp_path, FINE + "x,other,official,live,\n", *(["--json"] if as_json else []))
    assert run.exit_code == 1, run.exception
    told = json.loads(run.stdout)["summary"] if as_json else run.stderr.strip()
    assert told.startswith("Another person registered one of these accounts just now.")
    assert len(told.splitlines()) == 1
    assert await handles(database) == {"fine"}


async def _registered_by_another() -> None:
    ids = RandomIds()
    database = Database(database_url("registry"), application_name="another")
    async with database.transaction() as session:
        await csv_file.import_csv(
            session,
            HEADER + FINE,
            accept_valid=False,
            outbox=Outbox("registry", ids),
            now=SystemClock().now(),
            ids=ids,
            actor="system:test",
        )
    await database.close()
