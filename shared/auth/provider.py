"""The identity provider: settings, description (OpenID Connect Discovery 1.0) and public keys (RFC 7517)."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from shared.auth.provider_config import ProviderConfig

_log = structlog.get_logger()

_FRESH = timedelta(hours=1)
"""How long a key may still be accepted after the provider has withdrawn it."""
_ASK_AGAIN = timedelta(seconds=30)
"""The least time between requests, so that tokens with made-up key ids cannot cause more."""
_ASK_AGAIN_AFTER_FAILURE = timedelta(seconds=5)
_PATIENCE_SECONDS = 5.0
_LARGEST = 1_000_000
_RSA_BITS = 2048
_KINDS = frozenset({"RSA", "EC", "OKP"})
"""Never `oct`: a published key cannot be a shared secret."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderUnavailable(ConnectionError):
    """The identity provider is unavailable, or its description is unusable. Transient: try again."""


@dataclass(frozen=True, slots=True)
class Description:
    """The provider's endpoints (OpenID Connect Discovery 1.0)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    basic_auth: bool = True
    """Whether a client's secret travels in the Authorization header (RFC 6749 §2.3.1) rather than in the body."""


class ProviderKeys:
    """Fetches the description and the keys, and answers from memory."""

    def __init__(self, config: ProviderConfig) -> None:
        self._config = config
        self._description: Description | None = None
        self._keys: Sequence[tuple[str | None, Key]] = ()
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._failed = False
        self._one_at_a_time = asyncio.Lock()

    async def description(self, now: datetime) -> Description:
        """Return the provider's endpoints.

        Raises:
            ProviderUnavailable: they are not known and cannot be fetched.
        """
        await self._refresh_when(lambda: not self._is_fresh(now), now)
        if self._description is None:
            raise ProviderUnavailable
        return self._description

    async def prepare(self, key_id: str | None, now: datetime) -> None:
        """Fetch the key `key_id` if it is not in memory and the provider has it.

        Raises:
            ProviderUnavailable: it is not in memory, and the provider could not be reached.
        """
        await self._refresh_when(lambda: not (self._is_fresh(now) and self._knows(key_id)), now)
        if self._failed and not self._knows(key_id):
            raise ProviderUnavailable

    def find(self, key_id: str | None, algorithm: str) -> Key | None:
        """Return the key for a token's header; without a key id, exactly one key must fit."""
        fitting = [key for name, key in self._keys if key_id in (name, None) and _fits(key, algorithm)]
        return fitting[0] if len(fitting) == 1 else None

    def _knows(self, key_id: str | None) -> bool:
        return any(key_id in (name, None) for name, _ in self._keys)

    def _is_fresh(self, now: datetime) -> bool:
        return self._fetched_at is not None and now - self._fetched_at < _FRESH

    def _may_ask(self, now: datetime) -> bool:
        pause = _ASK_AGAIN_AFTER_FAILURE if self._failed else _ASK_AGAIN
        return self._asked_at is None or now - self._asked_at >= pause

    async def _refresh_when(self, wanted: Callable[[], bool], now: datetime) -> None:
        if not (wanted() and (self._may_ask(now) or self._one_at_a_time.locked())):
            return
        async with self._one_at_a_time:
            if wanted() and self._may_ask(now):  # another request may have fetched them meanwhile
                await self._refresh(now)

    async def _refresh(self, now: datetime) -> None:
        self._asked_at = now
        try:
            self._description = _described(await fetch_json(self._config.discovery_url), self._config.issuer)
            self._keys = _usable(await fetch_json(self._description.jwks_uri))
        except ProviderUnavailable as error:
            self._failed = True
            _log.warning("identity_provider_unavailable", reason=str(error))
        else:
            self._failed, self._fetched_at = False, now


async def fetch_json(url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, object]:
    """Return the JSON object at `url`.

    Raises:
        ProviderUnavailable: there is none; the message gives the reason in our own words.
    """
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, follow_redirects=False) as client:
            response = await client.get(url, headers={"accept": "application/json", **(headers or {})})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderUnavailable(type(error).__name__) from None
    return json_object(response)


def json_object(response: httpx.Response) -> Mapping[str, object]:
    """Return the provider's answer as a JSON object.

    Raises:
        ProviderUnavailable: the answer is not a JSON object.
    """
    if response.status_code != httpx.codes.OK:
        raise ProviderUnavailable(f"status {response.status_code}")
    if len(response.content) > _LARGEST:
        raise ProviderUnavailable("the answer is too large")
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        raise ProviderUnavailable("the answer is not JSON") from None
    if not isinstance(document, dict):
        raise ProviderUnavailable("the answer is not an object")
    return document


def _described(document: Mapping[str, object], issuer: str) -> Description:
    if document.get("issuer") != issuer:
        raise ProviderUnavailable("it names a different issuer")
    if any(not _may_be_called(document.get(name), issuer) for name in _ENDPOINTS):
        raise ProviderUnavailable("an endpoint is missing or not safe")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Description(
        **{name: str(document[name]) for name in _ENDPOINTS},
        userinfo_endpoint=_optional(document, "userinfo_endpoint", issuer),
        end_session_endpoint=_optional(document, "end_session_endpoint", issuer),
        basic_auth=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


def _optional(document: Mapping[str, object], name: str, issuer: str) -> str | None:
    return str(document[name]) if _may_be_called(document.get(name), issuer) else None


def _may_be_called(endpoint: object, issuer: str) -> bool:
    """Return whether `endpoint` is a URL, with TLS if the issuer uses it."""
    if not isinstance(endpoint, str):
        return False
    parts = urlsplit(endpoint)
    schemes = {"https"} if issuer.startswith("https://") else {"http", "https"}
    return parts.scheme in schemes and bool(parts.hostname)


def _usable(document: Mapping[str, object]) -> Sequence[tuple[str | None, Key]]:
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ProviderUnavailable("it has no keys")
    return [found for entry in entries if isinstance(entry, dict) and (found := _key(entry))]


def _key(entry: dict[str, object]) -> tuple[str | None, Key] | None:
    """Read a public key for signatures; other keys in the provider's list are skipped."""
    operations = entry.get("key_ops", ["verify"])
    verifies = isinstance(operations, list) and "verify" in operations
    if entry.get("kty") not in _KINDS or entry.get("use", "sig") != "sig" or not verifies:
        return None
    try:
        key = JWKRegistry.import_key({name: value for name, value in entry.items() if isinstance(value, str)})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    key_id = entry.get("kid")
    return (key_id if isinstance(key_id, str) else None), key


def _fits(key: Key, algorithm: str) -> bool:
    """Return whether the key is for `algorithm`, whatever a token's header says (RFC 8725 §3.1)."""
    if key.get("alg") not in {None, algorithm}:
        return False
    match key:
        case RSAKey():
            return algorithm == "RS256" and key.public_key.key_size >= _RSA_BITS
        case ECKey():
            return algorithm == "ES256" and key.curve_name == "P-256"
        case OKPKey():
            return algorithm == "EdDSA" and key.curve_name == "Ed25519"
        case _:
            return False
