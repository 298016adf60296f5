"""All commands, and how what goes wrong is said: one line, and an exit code."""

import sys

import typer
from rich.console import Console
from sqlalchemy.exc import DBAPIError
from typer.exceptions import TyperException

from services.cli import accounting, data, dead_letters, keys, rules, running, topics
from services.cli.demo import command as demo
from services.cli.demo.faults import DemoCannotRun
from services.cli.mistakes import said_of
from services.cli.settings import EmbeddedModeNotInstalled
from services.embedded.data_directory import DataDirectoryUnusable
from shared.db.migrations import MadeByAnotherVersion
from shared.db.reaching import DatabaseUnreachable
from shared.messaging.faults import class_of, is_transient
from shared.messaging.log import LogUnavailable
from shared.messaging.open import EventLogNotConfigured
from shared.serving import PortBusy
from shared.settings import InvalidSettings

_WRONG = 2
_INTERRUPTED = 130
_FAULTS = (
    InvalidSettings,
    EmbeddedModeNotInstalled,
    DataDirectoryUnusable,
    PortBusy,
    EventLogNotConfigured,
    LogUnavailable,
    MadeByAnotherVersion,
    DatabaseUnreachable,
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
    """Run the command; a wrong argument or a known fault is one line on standard error and exit code 2."""
    try:
        code = app(standalone_mode=False, prog_name="signpost")
    except TyperException as mistake:
        if words := said_of(mistake):
            _complain(words)
        sys.exit(_WRONG)
    except typer.Abort:
        sys.exit(_INTERRUPTED)
    except _FAULTS as fault:
        _complain(str(fault))
        sys.exit(_WRONG)
    except DBAPIError as error:
        if not is_transient(error):
            raise
        _complain(f"the database does not serve anybody for now ({class_of(error)}); try again in a moment")
        sys.exit(_WRONG)
    sys.exit(code)


def _complain(words: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"signpost: {words}", markup=False, highlight=False)
