"""Commands that create credentials: the key pair that signs sessions, and tokens for the API."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.settings import settings_of
from services.intake.settings import IntakeSettings
from shared.auth.permissions import Role
from shared.auth.personas import issue_token
from shared.auth.tokens import ensure_key_pair
from shared.clock import SystemClock
from shared.settings import InvalidSettings


def keys(
    signing_key: Annotated[
        Path,
        typer.Option(
            envvar="SIGNPOST_SIGNING_KEY_FILE", help="Where to store the private key, which only intake needs"
        ),
    ],
    verify_key: Annotated[
        Path,
        typer.Option(
            envvar="SIGNPOST_VERIFY_KEY_FILE", help="Where to store the public key, which every service needs"
        ),
    ],
) -> None:
    """Create the key pair that signs sessions, unless it exists."""
    made = not signing_key.exists()
    ensure_key_pair(signing_key, verify_key)
    typer.echo(f"{signing_key}: {'made' if made else 'is there already'}")


def token(
    role: Annotated[Role, typer.Option()],
    subject: Annotated[
        str | None, typer.Option(help="A staff id; without it, the token is for a client that is not a person")
    ] = None,
) -> None:
    """Print a bearer token for the API (embedded mode only)."""
    settings = settings_of(IntakeSettings)
    if settings.personas_file is None or settings.signing_key_file is None:
        message = "`signpost token` works in embedded mode only; ask your identity provider for a token"
        raise InvalidSettings(message)
    typer.echo(
        issue_token(
            role,
            subject,
            signing_key_file=settings.signing_key_file,
            now=SystemClock().now(),
            personas_file=settings.personas_file,
        )
    )
