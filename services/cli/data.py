"""Commands that import and export data: the staff directory, accounts, training."""

import asyncio
import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.database import transaction
from services.cli.settings import settings_of
from services.notifier.directory import handlers as directory
from services.registry.accounts import csv_file
from services.registry.accounts.handlers import HandleTaken
from services.registry.app import work_of
from services.registry.eligibility import handlers as eligibility
from services.registry.settings import RegistrySettings
from shared.clock import SystemClock
from shared.csv import MOST_BYTES, FileTooLarge, RowError, decode
from shared.ids import RandomIds
from shared.messaging.outbox import Outbox

_console = Console(soft_wrap=True, highlight=False)
_errors = Console(soft_wrap=True, highlight=False, stderr=True)

CsvFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file in UTF-8")]
AcceptValid = Annotated[bool, typer.Option("--accept-valid", help="Import the correct rows and leave out the others")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object")]


def import_directory(file: CsvFile, *, accept_valid: AcceptValid = False, as_json: AsJson = False) -> None:
    """Import staff and reporting lines from FILE; with a row in error nothing is changed, unless --accept-valid."""
    result = asyncio.run(_import_directory(_text(file), accept_valid=accept_valid))
    summary = f"{result.people} people and {result.lines} reporting lines from {result.rows_read} rows"
    _show_result(summary, result.errors, applied=result.changed, as_json=as_json)


async def _import_directory(text: str, *, accept_valid: bool) -> directory.ImportResult:
    ids = RandomIds()
    async with transaction("notifier") as session:
        return await directory.import_csv(
            session,
            text,
            accept_valid=accept_valid,
            now=SystemClock().now(),
            ids=ids,
            outbox=Outbox("notifier", ids),
            actor=_actor(),
        )


def import_accounts(file: CsvFile, *, accept_valid: AcceptValid = False, as_json: AsJson = False) -> None:
    """Register the accounts of FILE; with a row in error nothing is changed, unless --accept-valid."""
    try:
        result = asyncio.run(_import_accounts(_text(file), accept_valid=accept_valid))
    except HandleTaken:
        _show_conflict(as_json=as_json)
        raise typer.Exit(1) from None
    summary = f"{result.registered} accounts registered, {result.unchanged} known already"
    _show_result(summary, result.errors, applied=result.applied, as_json=as_json)


async def _import_accounts(text: str, *, accept_valid: bool) -> csv_file.ImportResult:
    ids = RandomIds()
    async with transaction("registry") as session:
        return await csv_file.import_csv(
            session,
            text,
            accept_valid=accept_valid,
            outbox=Outbox("registry", ids),
            now=SystemClock().now(),
            ids=ids,
            actor=_actor(),
        )


def import_training(file: CsvFile, *, accept_valid: AcceptValid = False, as_json: AsJson = False) -> None:
    """Record the training in FILE; with a row in error nothing is changed, unless --accept-valid."""
    result = asyncio.run(_import_training(_text(file), accept_valid=accept_valid))
    summary = f"{result.recorded} records of training, {result.unchanged} known already"
    _show_result(summary, result.errors, applied=result.applied, as_json=as_json)


async def _import_training(text: str, *, accept_valid: bool) -> eligibility.ImportResult:
    settings, ids = settings_of(RegistrySettings), RandomIds()
    async with transaction("registry") as session:
        work = work_of(
            session, SystemClock().now(), settings=settings, ids=ids, outbox=Outbox("registry", ids), actor=_actor()
        )
        return await eligibility.import_training(work, text, accept_valid=accept_valid)


def export_accounts() -> None:
    """Print the register as CSV, in the form that `accounts import` takes."""
    sys.stdout.write(asyncio.run(_export_accounts()))


async def _export_accounts() -> str:
    async with transaction("registry") as session:
        return await csv_file.export_csv(session)


def _show_result(summary: str, errors: Sequence[RowError], *, applied: bool, as_json: bool) -> None:
    """Print what an import did; exit code 1 when a row was refused."""
    if as_json:
        rows = [{"row": error.row, "column": error.column, "reason": error.reason} for error in errors]
        typer.echo(json.dumps({"applied": applied, "summary": summary, "errors": rows}))
    else:
        for error in errors:
            where = f"row {error.row}, {error.column}" if error.column else f"row {error.row}"
            _errors.print(f"{where}: {error.reason}", markup=False)
        _console.print(summary if applied else "Nothing was changed: correct these rows, or use --accept-valid.")
    raise typer.Exit(1 if errors else 0)


def _show_conflict(*, as_json: bool) -> None:
    summary = "Another person registered one of these accounts just now. Nothing was changed: import the file again."
    if as_json:
        typer.echo(json.dumps({"applied": False, "summary": summary, "errors": []}))
    else:
        _errors.print(summary)


def _text(file: Path) -> str:
    try:
        return decode(file.read_bytes())
    except UnicodeDecodeError as error:
        message = f"{file} is not in UTF-8 (byte {error.start}); save it as UTF-8 and try again"
    except FileTooLarge:
        message = f"{file} is larger than {MOST_BYTES // 1_000_000} MB; divide it and import each part"
    raise typer.BadParameter(message)


def _actor() -> str:
    return f"system:command:{getpass.getuser()}"
