"""The command that ends a person's sessions."""

import asyncio
import json
from datetime import datetime
from typing import Annotated

import typer

from services.cli.database import transaction
from services.cli.settings import settings_of
from services.intake.settings import IntakeSettings
from shared import text
from shared.clock import SystemClock
from shared.ids import RandomIds
from shared.messaging.ended_sessions import end_sessions_of
from shared.messaging.outbox import Outbox
from shared.observability.logs import redact_by_default
from shared.observability.security import log_security_event, who_hash


def end(
    staff_id: Annotated[str, typer.Argument(help="Whose; for a client that is not a person, its subject")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """End all sessions of a person, and void their tokens for the APIs, in every service."""
    try:
        who = text.line(staff_id)
    except text.ControlCharacter as error:
        message = f"a staff id has no {error}"
        raise typer.BadParameter(message) from None
    if not who:
        message = "give a staff id"
        raise typer.BadParameter(message)
    settings, now = settings_of(IntakeSettings), SystemClock().now()
    known_as = who_hash(settings, who)
    asyncio.run(_end(who, now))
    redact_by_default()  # and to standard error, so that JSON stays alone on standard output
    log_security_event(settings, "sessions_ended", None, command="sessions_end", of_hash=known_as)
    if as_json:
        typer.echo(json.dumps({"staff_id": who, "not_before": now.isoformat(), "who_hash": known_as}))
        return
    typer.echo(f"Every session of {who} that began before {now:%Y-%m-%d %H:%M:%S %Z} ends within 2 seconds.")
    typer.echo(f"They can sign in again. In security events they are who_hash={known_as}.")


async def _end(who: str, now: datetime) -> None:
    async with transaction("intake") as session:
        await end_sessions_of(session, [who], now, outbox=Outbox("intake", RandomIds()))
