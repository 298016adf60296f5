"""Settings of the services on the stage, and who sends reports."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from services.triage.settings import TriageSettings
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.ids import StaffId

SECRET = "a secret that only benchmarks have, no more"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Files of the key that signs sessions and tokens, and of its public half."""

    private: Path
    public: Path


def keys() -> KeyPair:
    """Create a key pair."""
    return KeyPair(*ensure_key_files(Path(tempfile.mkdtemp(prefix="signpost-bench-keys-"))))


def bearer(pair: KeyPair) -> str:
    """Return the token of a person who may report."""
    who = Principal("S1001", StaffId("S1001"), "Priya Shah", "priya.shah@example.org", frozenset({Role.REPORTER}))
    return TokenIssuer(pair.private.read_bytes()).bearer(who, datetime.now(UTC))


def triage_settings(url: str) -> TriageSettings:
    """Return triage's default settings, with its database at `url`."""
    return TriageSettings(secret_key=SecretStr(SECRET), verify_key_file=keys().public, triage_database_url=url)


def as_variables(pair: KeyPair, **more: str) -> dict[str, str]:
    """Return the environment of a service's process; all else is as it comes."""
    return {
        "SIGNPOST_SECRET_KEY": SECRET,
        "SIGNPOST_SIGNING_KEY_FILE": str(pair.private),
        "SIGNPOST_VERIFY_KEY_FILE": str(pair.public),
        "SIGNPOST_LOG_LEVEL": "warning",
        **more,
    }
