"""Settings that every service has. All come from `SIGNPOST_*` variables; an unknown one stops the start by its name."""

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "SIGNPOST_"
PROCESS_VARIABLES = frozenset({"SIGNPOST_DATA_DIR"})
"""Variables that the command itself reads, not a service."""

S = TypeVar("S", bound="ServiceSettings")


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list written as `a,b,c`."""


class InvalidSettings(Exception):
    """A `SIGNPOST_*` variable is missing, malformed or unknown; the message names it and never shows a value."""


class ServiceSettings(BaseSettings):
    """What all services share. Each adds its own fields, named after itself."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, validate_default=True)

    public_url: str = "http://127.0.0.1:8000"
    """Where people reach Signpost, without a trailing slash; links in mails begin with it."""
    secret_key: Annotated[SecretStr, Field(min_length=32)]
    """At least 32 characters; keys for CSRF, receipts and links are derived from it."""
    signing_key_file: Path | None = None
    """PEM of the Ed25519 key that signs sessions; intake alone needs it."""
    verify_key_file: Path
    """PEM of its public half."""
    personas_file: Path | None = None
    """Embedded mode only: the people one can sign in as by choosing."""
    event_log: Literal["postgres", "kafka"] = "kafka"
    """Where events go: Apache Kafka, or a PostgreSQL database of its own on one machine."""
    event_log_url: str | None = None
    """`postgresql+asyncpg://…` of the log's own database, where `event_log` is `postgres`."""
    kafka_bootstrap_servers: str | None = None
    """`host:port,host:port`, where `event_log` is `kafka`."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How brokers are spoken to."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """Used by the two `SASL_` protocols."""
    kafka_sasl_username: str | None = None
    """Each service should have its own, with the rights of its topics."""
    kafka_sasl_password: SecretStr | None = None
    """Of that user."""
    kafka_ca_file: Path | None = None
    """PEM of the authority that signed the brokers' certificates; without it the system's authorities count."""
    kafka_replication_factor: int = 1
    """Of the topics that `signpost topics apply` creates."""
    audit_anchors_dir: Path | None = None
    """Where audited services publish the roots of their chains, outside the database: `<service>.anchors`."""
    audit_anchor_every: timedelta = timedelta(minutes=10)
    """How often changed activity chains are anchored, where `audit_anchors_dir` is set (seconds, or ISO 8601)."""
    rate_limit_bearer: str = "60000/minute"
    """Writes that one bearer token may make, in one process."""
    rate_limit_address: str = "3000/minute"
    """Writes that everybody else at one address may make together, in one process."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged at least."""

    @property
    def secure(self) -> bool:
        """Whether people reach Signpost by TLS."""
        return self.public_url.startswith("https://")

    def derive_key(self, purpose: str) -> bytes:
        """Return the 32-byte key for `purpose`, derived by HKDF-SHA256 (RFC 5869) from the secret key."""
        secret = self.secret_key.get_secret_value().encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"signpost:{purpose}".encode()).derive(secret)


def load(kind: type[S]) -> S:
    """Read settings of `kind` from the environment.

    Raises:
        InvalidSettings: a variable is missing or malformed; the message names it without its value.
    """
    try:
        return kind()
    except ValidationError as error:
        names = sorted({f"{PREFIX}{str(problem['loc'][0]).upper()}" for problem in error.errors()})
        details = "; ".join(f"{name}: {_reason(error, name)}" for name in names)
        raise InvalidSettings(details) from None


def refuse_unknown(kinds: Iterable[type[ServiceSettings]], environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a `SIGNPOST_*` variable that no setting reads: most often a typing error.

    Raises:
        InvalidSettings: names the variables.
    """
    known = {f"{PREFIX}{name.upper()}" for kind in kinds for name in kind.model_fields} | PROCESS_VARIABLES
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    if unknown:
        message = f"unknown setting: {', '.join(unknown)} (docs/settings.md lists them all)"
        raise InvalidSettings(message)


def _reason(error: ValidationError, name: str) -> str:
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        if name == f"{PREFIX}{str(problem['loc'][0]).upper()}":
            return "is missing" if problem["type"] == "missing" else f"is malformed ({problem['type']})"
    return "is malformed"
