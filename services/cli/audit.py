"""`signpost audit verify`: checks by the audit chains that no record was changed."""

import asyncio
import json
from typing import Annotated

import typer

from services.cli.database import database_url
from services.cli.settings import KINDS, settings_of
from shared.audit.anchors import anchors_file
from shared.audit.verification import BrokenLink
from shared.audit.verification import verify as verify_chains
from shared.db.database import Database

AUDITED = ("triage", "registry")
"""Services that keep activity chains."""


def verify(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False) -> None:
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
