"""Commands that verify that nothing was lost or changed: the ledger's figures and the audit chains."""

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from services.cli.database import database_url
from services.cli.settings import KINDS, settings_of
from services.intake.ledger.domain import Reconciliation
from services.intake.ledger.queries import reconcile as reconcile_ledger
from shared.audit.anchors import anchors_file
from shared.audit.verification import BrokenLink
from shared.audit.verification import verify as verify_chains
from shared.clock import SystemClock
from shared.db.database import Database

AUDITED = ("triage", "registry")
"""Services that keep activity chains."""

_WORDS = {"oldest_unaccounted_s": "age of the oldest of these, in seconds"}
_POLL = timedelta(milliseconds=250)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object")]


def reconcile(
    wait: Annotated[
        float, typer.Option(help="Seconds to wait, at most, until every report is accounted for", min=0)
    ] = 0,
    *,
    as_json: AsJson = False,
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


def verify(*, as_json: AsJson = False) -> None:
    """Recompute every audit chain; exit code 1 when one was edited, reordered or cut short."""
    broken = {service: asyncio.run(_broken_chains(service)) for service in AUDITED}
    if as_json:
        typer.echo(json.dumps({service: [_shown(link) for link in links] for service, links in broken.items()}))
    else:
        for service, links in broken.items():
            typer.echo(f"{service}: {'every chain verifies' if not links else f'{len(links)} broken'}")
            for link in links:
                typer.echo(f"  {link.because} (chain {link.chain_id}, position {link.position})")
    raise typer.Exit(1 if any(broken.values()) else 0)


async def _broken_chains(service: str) -> list[BrokenLink]:
    settings = settings_of(KINDS[service])
    folder = settings.audit_anchors_dir
    database = Database(database_url(service), application_name="signpost-audit", pool_size=1)
    try:
        async with database.transaction() as session:
            return await verify_chains(session, anchors_file(service, folder) if folder else None)
    finally:
        await database.close()


def _shown(link: BrokenLink) -> dict[str, object]:
    chain = str(link.chain_id) if link.chain_id else None
    return {"because": link.because.value, "chain_id": chain, "position": link.position}
