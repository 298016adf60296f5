"""`signpost reconcile`: checks by the ledger's figures that no report was lost."""

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from services.cli.database import database_url
from services.intake.ledger.domain import Reconciliation
from services.intake.ledger.queries import reconcile as reconcile_ledger
from shared.clock import SystemClock
from shared.db.database import Database

_WORDS = {"oldest_unaccounted_s": "age of the oldest of these, in seconds"}
_POLL = timedelta(milliseconds=250)


def reconcile(
    wait: Annotated[
        float, typer.Option(help="The most seconds to wait until every report is accounted for", min=0)
    ] = 0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Account for every accepted report; exit code 1 when one is unaccounted for."""
    result = asyncio.run(_settled(database_url("intake"), timedelta(seconds=wait)))
    figures = asdict(result)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        for name, figure in figures.items():
            typer.echo(f"{_WORDS.get(name, name.replace('_', ' ')):40} {figure}")
    raise typer.Exit(1 if result.unaccounted else 0)


async def _settled(url: str, wait: timedelta) -> Reconciliation:
    clock = SystemClock()
    until = clock.now() + wait
    database = Database(url, application_name="signpost-reconcile", pool_size=1)
    try:
        while True:
            async with database.transaction() as session:
                result = await reconcile_ledger(session, clock.now())
            if result.settled or clock.now() >= until:
                return result
            await asyncio.sleep(_POLL.total_seconds())
    finally:
        await database.close()
