"""`signpost audit verify`: checks by the audit chains that no record was changed."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import typer

from services.cli.database import database_url
from services.cli.settings import KINDS, settings_of
from services.registry.approvals import queries as registry
from services.triage.outcome_reviews import queries as triage
from shared.audit.anchors import anchors_file
from shared.audit.verification import BrokenLink, LastAnchor, Records, last_anchor, oldest_unanchored
from shared.audit.verification import verify as verify_chains
from shared.clock import SystemClock
from shared.db.database import Database

AUDITED: Mapping[str, Records] = {"triage": triage.records, "registry": registry.records}
"""Services that keep activity chains, and the records that these are compared with."""
_LONGEST_STATEMENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Verified:
    """What the verification of one service found."""

    broken: list[BrokenLink]
    last_anchor: LastAnchor | None


def verify(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: service to what is broken")] = False,
    last_anchors: Annotated[
        bool, typer.Option("--last-anchors", help="With --json: add the key last_anchors, each service's last anchor")
    ] = False,
) -> None:
    """Recompute every audit chain and compare cases and accounts; exit code 1 when something was changed."""
    found = {service: asyncio.run(_verified(service, records)) for service, records in AUDITED.items()}
    if as_json:
        anchors = {service: _anchor(one.last_anchor) for service, one in found.items()}
        broken = {service: [_shown(link) for link in one.broken] for service, one in found.items()}
        typer.echo(json.dumps(broken | ({"last_anchors": anchors} if last_anchors else {})))
    else:
        for service, one in found.items():
            typer.echo(f"{service}: {f'{len(one.broken)} broken' if one.broken else 'every chain verifies'}")
            typer.echo(f"  {_anchor_in_words(one.last_anchor)}")
            for link in one.broken:
                fields = f": {', '.join(link.fields)}" if link.fields else ""
                typer.echo(f"  {link.because}{fields} (chain {link.chain_id}, position {link.position})")
    raise typer.Exit(1 if any(one.broken for one in found.values()) else 0)


async def _verified(service: str, records: Records) -> Verified:
    """Verify in one snapshot, so that what is written meanwhile cannot look changed."""
    settings = settings_of(KINDS[service])
    folder = settings.audit_anchors_dir
    database = Database(
        database_url(service),
        application_name="signpost-audit",
        pool_size=1,
        statement_timeout=_LONGEST_STATEMENT,
        answers_within=_LONGEST_STATEMENT,
    )
    try:
        async with database.transaction() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            broken = await verify_chains(
                session,
                anchors_file(service, folder) if folder else None,
                records=records,
                unanchored_since=oldest_unanchored(SystemClock().now(), settings.audit_anchor_every),
            )
            return Verified(broken, await last_anchor(session))
    finally:
        await database.close()


def _shown(link: BrokenLink) -> dict[str, object]:
    chain = str(link.chain_id) if link.chain_id else None
    fields = {"fields": list(link.fields)} if link.fields else {}
    return {"because": link.because.value, "chain_id": chain, "position": link.position, **fields}


def _anchor(last: LastAnchor | None) -> dict[str, object] | None:
    return {"number": last.number, "at": last.at.isoformat()} if last else None


def _anchor_in_words(last: LastAnchor | None) -> str:
    return f"last anchor: number {last.number} of {last.at.isoformat()}" if last else "nothing was anchored yet"
