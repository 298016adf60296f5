"""Commands for records that a consumer could not handle: list them, replay them after a fix, or discard them."""

import asyncio
import getpass
import json
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from services.cli.database import transaction
from services.cli.settings import ServiceName
from shared.clock import SystemClock
from shared.messaging import dead_letters
from shared.messaging.dead_letters import AlreadyAskedFor, DeadLetter, DeadLetterNotOpen, HistoryEntry, history

_console = Console(soft_wrap=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Which = Annotated[UUID, typer.Argument(help="The dead letter's id, as `list` shows it")]
Reason = Annotated[str, typer.Option(help="Why; kept with the dead letter")]


def list_open(
    service: Annotated[ServiceName | None, typer.Argument(help="Default: all of them")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the open dead letters of SERVICE, oldest first."""
    letters = [letter for name in ([service] if service else ServiceName) for letter in asyncio.run(_listed(name))]
    if as_json:
        typer.echo(json.dumps([asdict(letter) for letter in letters], default=str))
        return
    if not letters:
        _console.print(f"{service.value} has no open dead letters." if service else "There are no open dead letters.")
        return
    table = Table("id", "group", "recorded", "topic", "place", "type", "error", "attempts")
    for letter in letters:
        place = f"{letter.partition}/{letter.offset}"
        when = f"{letter.recorded_at:%Y-%m-%d %H:%M:%S %Z}"
        columns = (str(letter.id), letter.group_name, when, letter.topic, place, letter.type or "", letter.error_class)
        table.add_row(*columns, str(letter.attempts))
    _console.print(table)


def show(service: ServiceName, dead_letter: Which, *, as_json: AsJson = False) -> None:
    """Show one dead letter of SERVICE and its history, without its body."""
    letter, steps = asyncio.run(_shown(service.value, dead_letter))
    if as_json:
        typer.echo(json.dumps({**asdict(letter), "history": [asdict(step) for step in steps]}, default=str))
        return
    for name, value in asdict(letter).items():
        _console.print(f"{name.replace('_', ' '):16} {'' if value is None else value}", markup=False)
    for step in steps:
        did = f"{step.at:%Y-%m-%d %H:%M:%S %Z}  {step.what.replace('_', ' ')} by {step.by}"
        _console.print(did, step.reason or step.error_class or "", markup=False)


def replay(service: ServiceName, dead_letter: Which, reason: Reason) -> None:
    """Ask SERVICE to handle the record again; while it runs, it does so within seconds."""
    asyncio.run(_ask(service.value, dead_letter, reason, again=True))
    _console.print("Replay asked for.")


def discard(service: ServiceName, dead_letter: Which, reason: Reason) -> None:
    """Ask SERVICE to discard the record; the events that waited for it are then applied."""
    asyncio.run(_ask(service.value, dead_letter, reason, again=False))
    _console.print("Discard asked for.")


async def _listed(service: str) -> list[DeadLetter]:
    async with transaction(service) as session:
        return await dead_letters.listed(session)


async def _shown(service: str, dead_letter: UUID) -> tuple[DeadLetter, list[HistoryEntry]]:
    async with transaction(service) as session:
        letter = await dead_letters.show(session, dead_letter)
        steps = await history(session, dead_letter)
    if letter is None:
        raise _unknown(service)
    return letter, steps


async def _ask(service: str, dead_letter: UUID, reason: str, *, again: bool) -> None:
    ask = dead_letters.replay if again else dead_letters.discard
    try:
        async with transaction(service) as session:
            await ask(session, dead_letter, by=getpass.getuser(), reason=reason, now=SystemClock().now())
    except DeadLetterNotOpen:
        raise _unknown(service) from None
    except AlreadyAskedFor as asked:
        message = (
            f"{asked.by} asked for it to be {asked.action} at {asked.at:%H:%M:%S %Z}; {service} does so when it runs"
        )
        raise typer.BadParameter(message) from None


def _unknown(service: str) -> typer.BadParameter:
    return typer.BadParameter(f"{service} has no open dead letter with this id; `list` shows those it has")
