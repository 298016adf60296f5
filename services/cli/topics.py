"""Commands that make the log's topics what `shared/events/topics.py` declares."""

import asyncio
from collections.abc import Sequence

import typer
from rich.console import Console

from services.cli.settings import settings_of
from services.intake.settings import IntakeSettings
from shared.messaging import topics_admin

_console = Console(soft_wrap=True, highlight=False)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    topics = typer.Typer(help="The topics of the event log.", no_args_is_help=True)
    topics.command(name="apply")(apply)
    topics.command(name="diff")(diff)
    app.add_typer(topics, name="topics")


def apply() -> None:
    """Create or alter the topics so that they are as declared."""
    _say(asyncio.run(topics_admin.apply(settings_of(IntakeSettings))), "All topics are as declared.")


def diff() -> None:
    """Say what `apply` would do; exit code 1 when that is anything."""
    differences = asyncio.run(topics_admin.diff(settings_of(IntakeSettings)))
    _say(differences, "All topics are as declared.")
    raise typer.Exit(1 if differences else 0)


def _say(lines: Sequence[str], nothing: str) -> None:
    for line in lines or [nothing]:
        _console.print(line, markup=False)
