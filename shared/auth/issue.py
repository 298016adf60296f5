"""What `signpost token` calls."""

from datetime import datetime
from pathlib import Path

from shared.auth.permissions import Role
from shared.auth.personas import client_principal, load_personas
from shared.auth.tokens import TokenIssuer


def issue_token(
    role: Role,
    subject: str | None,
    *,
    signing_key_file: Path,
    now: datetime,
    personas_file: Path | None = None,
) -> str:
    """Return a bearer token for `role`; `subject` is a staff id, or None for a client that is nobody in particular."""
    personas = load_personas(personas_file) if personas_file else ()
    principal = client_principal(role, subject, personas)
    return TokenIssuer(signing_key_file.read_bytes()).bearer(principal, now)
