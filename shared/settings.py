"""Settings that every service has. All come from `SIGNPOST_*` variables; an unknown variable stops the start."""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.auth.permissions import Role
from shared.auth.provider_config import ALGORITHMS, ClaimNames, ProviderConfig
from shared.callers import TrustedProxies
from shared.encryption import Keys
from shared.errors import ExplainedError

PREFIX = "SIGNPOST_"
PROCESS_VARIABLES = frozenset({"SIGNPOST_DATA_DIR", "SIGNPOST_DEMO_CLIENT_SECRET", "SIGNPOST_DEMO_TOKEN_URL"})
"""Variables that the command itself reads, rather than a service."""
RETIRED = frozenset({"SIGNPOST_NOTIFIER_POLICY_VERSION"})
"""Variables that nothing reads any more; an installation may still set them."""

S = TypeVar("S", bound="ServiceSettings")


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _comma_separated(value: object) -> object:
    return _split(value) if isinstance(value, str) else value


Times = Annotated[tuple[time, ...], NoDecode, BeforeValidator(_comma_separated)]
"""Times of the day, in UK local time: `09:00,14:00`."""
CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
"""A list written as `a,b,c`."""
Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_comma_separated)]


def _list_or_json(value: object) -> object:
    """Read `a,b,c` or `["a", "b,c"]`; the second form is for values that contain commas."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        return json.loads(value)
    return _comma_separated(value)


SecretKey = Annotated[SecretStr, Field(min_length=32)]
SecretKeys = Annotated[tuple[SecretKey, ...], NoDecode, BeforeValidator(_list_or_json)]


def _in_seconds(value: object) -> object:
    """Convert a number of seconds from the environment, which is always text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Duration = Annotated[timedelta, BeforeValidator(_in_seconds), Field(ge=timedelta(0))]
"""A duration in seconds or in ISO 8601 (`90`, `PT1M30S`)."""


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        found = json.loads(value)
        return tuple(
            (group, role) for group, roles in found.items() for role in (roles if isinstance(roles, list) else [roles])
        )
    return tuple((group.strip(), role.strip()) for group, _, role in (part.rpartition("=") for part in _split(value)))


Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_comma_separated)]
"""IP addresses and networks, written as `a,b,c`."""
RolesOfGroups = Annotated[tuple[tuple[str, Role], ...], NoDecode, BeforeValidator(_pairs)]
"""Written as `group=role,group=role`, or as JSON `{"group": "role", "group": ["role", "role"]}`."""

_OURS = "signpost_"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class InvalidSettings(ExplainedError):
    """A `SIGNPOST_*` variable is missing, malformed or unknown; the message names it without its value."""


class ServiceSettings(BaseSettings):
    """Settings that all services share. Each service adds its own fields, which begin with its name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, validate_default=True, defer_build=True
    )

    public_url: str = "http://127.0.0.1:8000"
    """The address at which people reach Signpost, without a trailing slash; links in emails start with it."""
    secret_keys: SecretKeys = ()
    """Secret keys, while one replaces another: `new,old`, or a JSON list. What Signpost signs, encrypts or hashes uses
    the first; everything made with any of them is still accepted (`docs/operations/keys.md`)."""
    secret_key: SecretKey | None = None
    """At least 32 characters; the keys for form tokens, receipt codes and links are derived from it. Required unless
    `SIGNPOST_SECRET_KEYS` is set; beside it, this is one more key that is accepted."""
    signing_key_file: Path | None = None
    """PEM file of the Ed25519 private key that signs sessions; only intake needs it."""
    verify_key_file: Path
    """PEM file of its public key."""
    more_verify_key_files: Paths = ()
    """PEM files of further public keys whose sessions are accepted, separated by commas: while a signing key is being
    replaced, its successor's or its predecessor's."""
    oidc_issuer: str | None = None
    """The identity provider that people sign in with, as named in its tokens; the APIs accept its tokens too."""
    oidc_discovery_url: str | None = None
    """Where the provider's description is, if not at `/.well-known/openid-configuration` under the issuer."""
    oidc_api_audience: str = "signpost-api"
    """The audience that the provider's bearer tokens must have."""
    oidc_algorithms: CommaSeparated = ALGORITHMS
    """Accepted signature algorithms of the provider: some of `RS256,ES256,EdDSA`."""
    oidc_leeway: Duration = timedelta(seconds=30)
    """How far the provider's clock may differ from ours (seconds, or ISO 8601)."""
    oidc_role_claim: str = "groups"
    """The claim that lists a person's or client's groups; dots lead into objects (`realm_access.roles`)."""
    oidc_role_separator: str | None = None
    """What separates groups in a role claim that is one text, such as `,`. Without it such a text is one group, or for
    `scope` and `scp` a list with spaces."""
    oidc_roles: RolesOfGroups = ()
    """Which group has which role: `group=role,group=role`, or a JSON object. Everyone else may only report."""
    oidc_staff_id_claim: str = "staff_id"
    """The claim with the person's id in the staff directory."""
    oidc_name_claim: str = "name"
    """The claim with the person's name."""
    oidc_email_claim: str = "email"
    """The claim with the person's email address."""
    personas_file: Path | None = None
    """Embedded mode only: the people that anyone can choose to sign in as. Never together with an identity provider."""
    event_log: Literal["postgres", "kafka"] = "kafka"
    """Where events go: Apache Kafka or, on one machine, a separate PostgreSQL database."""
    event_log_url: str | None = None
    """`postgresql+asyncpg://…`, the log's own database, if `event_log` is `postgres`."""
    kafka_bootstrap_servers: str | None = None
    """`host:port,host:port`, if `event_log` is `kafka`."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """The protocol for connections to the brokers."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """For the two `SASL_` protocols. `PLAIN` sends the password as it is: take `SASL_SSL` for it, or a network that is
    yours alone."""
    kafka_sasl_username: str | None = None
    """The user for the brokers. Each service should have its own: `signpost topics apply --acls` gives the users
    `intake`, `triage`, `registry` and `notifier` the rights that the topics declare."""
    kafka_sasl_password: SecretStr | None = None
    """The password of that user."""
    kafka_ca_file: Path | None = None
    """PEM file of the authority that signed the brokers' certificates; without it, the system's authorities apply."""
    kafka_replication_factor: int = 1
    """The replication factor of topics that `signpost topics apply` creates."""
    audit_anchors_dir: Path | None = None
    """Where audited services publish the roots of their chains, outside the database: `<service>.anchors`."""
    audit_anchor_every: Duration = timedelta(minutes=10)
    """How often changed activity chains are anchored, if `audit_anchors_dir` is set (seconds, or ISO 8601)."""
    rate_limit_bearer: str = "60000/minute"
    """How many writes, and how many reads, one person or system with a bearer token may make in one process."""
    rate_limit_person: str = "1200/minute"
    """How many writes one person who signed in may make in one process."""
    rate_limit_address: str = "3000/minute"
    """How many writes all other callers at one IP address together may make in one process."""
    organisation: str = "Department for Work and Pensions"
    """The organisation that runs Signpost, as its pages name it."""
    govuk_brand: bool | None = None
    """Whether pages carry the crown, GOV.UK's logo and typeface, and Crown copyright; by default only where
    `SIGNPOST_PUBLIC_URL` is on gov.uk, because other services may not."""
    feedback_url: str | None = None
    """Where people say what they think of Signpost: an `https://` or `mailto:` address."""
    help_contact: str | None = None
    """Who gives people a role and helps them, such as an email address; without it, pages name no one."""
    rate_limit_reads: str = "1200/minute"
    """How many reads one person who signed in may make in one process, and all other callers at one IP address
    together, assets aside."""
    trusted_proxies: Networks = ()
    """The networks of our own proxies, such as `172.31.250.0/24`: what they say in `X-Forwarded-For` is the caller's
    address. No one else's header is read."""
    most_connections: Annotated[int, Field(ge=10)] = 800
    """How many connections one process has at once. Beyond it, the one that waits longest for its client is closed."""
    most_connections_of_address: Annotated[int, Field(ge=1)] = 200
    """How many of them one IP address may have; a trusted proxy may have all."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is logged."""

    @field_validator("secret_key")
    @classmethod
    def _at_least_one(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if key is None and not info.data.get("secret_keys"):
            raise PydanticCustomError("missing", "is missing")
        return key

    @field_validator("oidc_issuer", "oidc_discovery_url")
    @classmethod
    def _safe_provider(cls, url: str | None, info: ValidationInfo) -> str | None:
        """Require TLS for the provider if people reach Signpost by TLS."""
        if url is None:
            return None
        parts = urlsplit(url)
        schemes = {"https"} if str(info.data.get("public_url", "")).startswith("https://") else {"http", "https"}
        if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
            raise PydanticCustomError(f"{_OURS}url", "must be an https:// address without query")
        return url

    @field_validator("feedback_url")
    @classmethod
    def _followed(cls, url: str | None) -> str | None:
        """Require an address that a link may have."""
        if url is not None and urlsplit(url).scheme not in {"https", "mailto"}:
            raise PydanticCustomError(f"{_OURS}feedback", "must be an https:// or mailto: address")
        return url

    @field_validator("oidc_algorithms")
    @classmethod
    def _asymmetric(cls, algorithms: tuple[str, ...]) -> tuple[str, ...]:
        if not algorithms or not set(algorithms) <= set(ALGORITHMS):
            raise PydanticCustomError(f"{_OURS}algorithms", "must be some of RS256, ES256, EdDSA")
        return algorithms

    @field_validator("personas_file")
    @classmethod
    def _only_here(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        """Allow sign-in by choice of a persona only on this machine, and only without an identity provider."""
        if path is None:
            return None
        if info.data.get("oidc_issuer"):
            raise PydanticCustomError(f"{_OURS}personas", "cannot be set together with SIGNPOST_OIDC_ISSUER")
        if urlsplit(str(info.data.get("public_url", ""))).hostname not in _LOOPBACK:
            raise PydanticCustomError(f"{_OURS}personas", "works only where SIGNPOST_PUBLIC_URL is this machine")
        return path

    @property
    def provider(self) -> ProviderConfig | None:
        """The identity provider; None without one."""
        if self.oidc_issuer is None:
            return None
        return ProviderConfig(
            issuer=self.oidc_issuer,
            discovery_url=self.oidc_discovery_url or f"{self.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            api_audience=self.oidc_api_audience,
            algorithms=self.oidc_algorithms,
            leeway=self.oidc_leeway,
            claims=ClaimNames(
                self.oidc_role_claim, self.oidc_staff_id_claim, self.oidc_name_claim, self.oidc_email_claim
            ),
            roles=self.oidc_roles,
            role_separator=self.oidc_role_separator or None,
        )

    @property
    def branded(self) -> bool:
        """Whether pages look like GOV.UK's own."""
        host = urlsplit(self.public_url).hostname or ""
        return self.govuk_brand if self.govuk_brand is not None else f".{host}".endswith(".gov.uk")

    @property
    def proxies(self) -> TrustedProxies:
        """The proxies whose `X-Forwarded-For` is believed."""
        return TrustedProxies(self.trusted_proxies)

    @property
    def secure(self) -> bool:
        """Whether people reach Signpost by TLS."""
        return self.public_url.startswith("https://")

    def derive_keys(self, purpose: str) -> Keys:
        """Return the 32-byte keys for `purpose`, each derived by HKDF-SHA256 (RFC 5869) from one secret key."""
        secrets = (*self.secret_keys, self.secret_key) if self.secret_key else self.secret_keys
        texts = dict.fromkeys(secret.get_secret_value().encode() for secret in secrets)
        return Keys(tuple(_derived(text, purpose) for text in texts))


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"signpost:{purpose}".encode()).derive(secret)


def has_secret(environment: Mapping[str, str]) -> bool:
    """Return whether the environment has a secret key: then it configures separate services."""
    return not {"SIGNPOST_SECRET_KEY", "SIGNPOST_SECRET_KEYS"}.isdisjoint(environment)


def load(kind: type[S]) -> S:
    """Read settings of `kind` from the environment.

    Raises:
        InvalidSettings: a variable is missing or malformed; the message names it without its value.
    """
    return made(kind, {})


def made(kind: type[S], given: Mapping[str, object]) -> S:
    """Return settings of `kind`: the given values, and the environment's for the rest.

    Raises:
        InvalidSettings: as `load`.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        names = sorted({f"{PREFIX}{str(problem['loc'][0]).upper()}" for problem in error.errors()})
        details = "; ".join(f"{name}: {_reason(error, name)}" for name in names)
        raise InvalidSettings(details) from None


def refuse_unknown(kinds: Iterable[type[ServiceSettings]], environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a `SIGNPOST_*` variable that no setting reads, which is usually a typing error.

    Raises:
        InvalidSettings: there is one; the message names it.
    """
    known = {f"{PREFIX}{name.upper()}" for kind in kinds for name in kind.model_fields} | PROCESS_VARIABLES | RETIRED
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    if unknown:
        message = f"unknown setting: {', '.join(unknown)} (docs/settings.md lists them all)"
        raise InvalidSettings(message)


def _reason(error: ValidationError, name: str) -> str:
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        if name == f"{PREFIX}{str(problem['loc'][0]).upper()}":
            if problem["type"].startswith(_OURS):
                return problem["msg"]
            return "is missing" if problem["type"] == "missing" else f"is malformed ({problem['type']})"
    return "is malformed"
