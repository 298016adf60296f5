"""All commands, each loaded only when needed. An error is one line and an exit code."""

import pkgutil
import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

import typer
from typer.exceptions import TyperException

from shared.errors import ExplainedError

_WRONG = 2
_INTERRUPTED = 130
_PLAIN_WORDS = (
    (re.compile(r"Value error, "), ""),
    (re.compile(r"does not match the formats '%Y-%m-%d'"), "is not a date such as 2026-01-31"),
    (re.compile(r"Input should be a valid UUID.*", re.DOTALL), "it is not an id as lists show it"),
    (re.compile(r"Input should be"), "it has to be"),
    (re.compile(r"^Invalid value for"), "wrong value for"),
    (re.compile(r"\s*\n\s*"), " "),
)
"""Messages of typer and pydantic, and the same in plain words."""


class Command(NamedTuple):
    """Where a command is, and its text in lists of commands: the first paragraph of its docstring."""

    function: str
    summary: str


GROUPS = {
    "topics": "The topics of the event log.",
    "audit": "The record of who did what.",
    "dead-letters": "Records that a consumer could not handle.",
    "rules": "The rule book that routes reports.",
    "directory": "Staff and who manages whom.",
    "accounts": "The register of social media accounts.",
    "training": "Who completed training for operating accounts.",
    "sessions": "Who is signed in.",
}
COMMANDS = {
    "up": Command(
        "services.cli.serve:up",
        "Run everything in one process, with its own PostgreSQL, event log and mail catcher.",
    ),
    "serve": Command(
        "services.cli.serve:serve_one", "Run one service: its web application, consumers, relay, sweeps and auditor."
    ),
    "migrate": Command("services.cli.deployment:migrate", "Bring databases to the newest revision."),
    "keys": Command(
        "services.cli.credentials:keys",
        "Create the key pair that signs sessions, unless it exists.",
    ),
    "reconcile": Command(
        "services.cli.reconcile:reconcile",
        "Account for every accepted report and what was added to it; exit code 1 when anything is unaccounted for.",
    ),
    "token": Command("services.cli.credentials:token", "Print a bearer token for the API (embedded mode only)."),
    "demo": Command(
        "services.cli.demo:demo",
        "Send a realistic mix of reports, show what happened to each; exit code 1 when something does not add up.",
    ),
    "topics apply": Command(
        "services.cli.deployment:apply",
        "Create or alter the topics as declared; nothing is deleted or reduced.",
    ),
    "topics diff": Command(
        "services.cli.deployment:diff",
        "List the topics that differ from their declaration; exit code 1 when there are any.",
    ),
    "audit verify": Command(
        "services.cli.audit:verify",
        "Recompute every audit chain, compare cases and accounts, read all evidence; exit code 1 if any was changed.",
    ),
    "audit searches": Command(
        "services.cli.audit:searches", "List who searched for cases, when, and how many were found, newest first."
    ),
    "audit verify-export": Command(
        "services.cli.audit:verify_export",
        "Check an export of a case by the hashes in it, without a database.",
    ),
    "sessions end": Command(
        "services.cli.sessions:end",
        "End all sessions of a person, and void their tokens for the APIs, in every service.",
    ),
    "dead-letters list": Command(
        "services.cli.dead_letters:list_open", "List the open dead letters of SERVICE, oldest first."
    ),
    "dead-letters show": Command(
        "services.cli.dead_letters:show",
        "Show one dead letter of SERVICE and its history, without its body.",
    ),
    "dead-letters replay": Command(
        "services.cli.dead_letters:replay",
        "Ask SERVICE to handle the record again; while it runs, it does so within seconds.",
    ),
    "dead-letters discard": Command(
        "services.cli.dead_letters:discard",
        "Ask SERVICE to discard the record; the events that waited for it are then applied.",
    ),
    "rules check": Command(
        "services.cli.rules:check",
        "Check a rule book: exit code 1 with rule, line and column of the first mistake.",
    ),
    "rules explain": Command(
        "services.cli.decisions:explain",
        "Explain why each case of a report went to its team: rule, clause and the facts used.",
    ),
    "rules backtest": Command(
        "services.cli.decisions:backtest",
        "Decide past reports again with another rule book and show what would differ. Only reads.",
    ),
    "directory import": Command(
        "services.cli.data:import_directory",
        "Import staff and reporting lines from FILE; with a row in error nothing is changed, unless --accept-valid.",
    ),
    "accounts import": Command(
        "services.cli.data:import_accounts",
        "Register the accounts of FILE; with a row in error nothing is changed, unless --accept-valid.",
    ),
    "accounts export": Command(
        "services.cli.data:export_accounts",
        "Print the register as CSV, in the form that `accounts import` takes.",
    ),
    "training import": Command(
        "services.cli.data:import_training",
        "Record the training in FILE; with a row in error nothing is changed, unless --accept-valid.",
    ),
}


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line: it lists all commands, and loads the one in `arguments`."""
    asked = [argument for argument in arguments if not argument.startswith("-")]
    app = typer.Typer(
        name="signpost",
        help="Report once, reach the right people at once, nothing lost.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    groups = {name: typer.Typer(help=summary, no_args_is_help=True) for name, summary in GROUPS.items()}
    for name, command in COMMANDS.items():
        words = name.split()
        function = pkgutil.resolve_name(command.function) if asked[: len(words)] == words else _not_loaded
        group = groups[words[0]] if len(words) > 1 else app
        group.command(name=words[-1], help=None if function is not _not_loaded else command.summary)(function)
    for name, group in groups.items():
        app.add_typer(group, name=name)
    return app


def _not_loaded() -> None:
    """Stand in for a command that is only listed."""
    raise AssertionError


def main() -> None:
    """Run the command; a wrong argument or a known error is one line on standard error and exit code 2."""
    arguments = sys.argv[1:]
    try:
        code = command_line(arguments)(args=arguments, standalone_mode=False, prog_name="signpost")
    except TyperException as mistake:
        if words := _in_plain_words(mistake):
            _complain(words)
        sys.exit(_WRONG)
    except typer.Abort:
        sys.exit(_INTERRUPTED)
    except ExplainedError as error:
        _complain(str(error))
        sys.exit(_WRONG)
    except Exception as error:
        if (name := _transient_database_error(error)) is None:
            raise
        _complain(f"the database is not ready ({name}); try again in a moment")
        sys.exit(_WRONG)
    sys.exit(code)


def _in_plain_words(mistake: TyperException) -> str:
    """Return what is wrong and where to read more; empty if the help was shown instead."""
    words = str(mistake.format_message()).strip()
    if not words:
        return ""
    for pattern, plain in _PLAIN_WORDS:
        words = pattern.sub(plain, words)
    context = getattr(mistake, "ctx", None)
    path = getattr(context, "command_path", "signpost")
    return f"{words[0].lower()}{words[1:].rstrip('.')}; see `{path} --help`"


def _transient_database_error(error: Exception) -> str | None:
    """Return the name of a transient database error; None for any other error."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - heavy, and needed only when a command has failed

    from shared.messaging.faults import class_of, is_transient  # noqa: PLC0415 - as above

    return class_of(error) if isinstance(error, DBAPIError) and is_transient(error) else None


def _complain(words: str) -> None:
    typer.echo(f"signpost: {words}", err=True)
