"""`signpost keys`: the pair of keys that sessions are signed with."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.auth.keys import ensure_key_pair

_console = Console(soft_wrap=True, highlight=False)


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command(name="keys")(keys)


def keys(
    signing_key: Annotated[
        Path, typer.Option(envvar="SIGNPOST_SIGNING_KEY_FILE", help="Where the private half is kept: for intake alone")
    ],
    verify_key: Annotated[
        Path, typer.Option(envvar="SIGNPOST_VERIFY_KEY_FILE", help="Where the public half is kept: for every service")
    ],
) -> None:
    """Make the pair of keys that sessions are signed with; one that is there stays."""
    made = not signing_key.exists()
    ensure_key_pair(signing_key, verify_key)
    _console.print(f"{signing_key}: {'made' if made else 'is there already'}")
