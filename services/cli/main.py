"""All commands, and how what goes wrong is said: one line, and an exit code."""

import sys

import typer
from rich.console import Console

from services.cli import accounting, data, dead_letters, keys, rules, running, topics
from services.cli.demo import command as demo
from services.cli.demo.faults import DemoCannotRun
from services.cli.settings import EmbeddedModeNotInstalled
from services.embedded.data_directory import DataDirectoryUnusable
from shared.db.migrations import MadeByAnotherVersion
from shared.messaging.log import LogUnavailable
from shared.messaging.open import EventLogNotConfigured
from shared.serving import PortBusy
from shared.settings import InvalidSettings

_FAULTS = (
    InvalidSettings,
    EmbeddedModeNotInstalled,
    DataDirectoryUnusable,
    PortBusy,
    EventLogNotConfigured,
    LogUnavailable,
    MadeByAnotherVersion,
    DemoCannotRun,
)

app = typer.Typer(
    name="signpost",
    help="Report once, reach the right people at once, nothing lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (running, keys, topics, accounting, dead_letters, rules, data, demo):
    module.register(app)


def main() -> None:
    """Run the command; a known fault is one line on standard error and exit code 2."""
    try:
        app()
    except _FAULTS as fault:
        Console(stderr=True, soft_wrap=True).print(f"signpost: {fault}", markup=False, highlight=False)
        sys.exit(2)
