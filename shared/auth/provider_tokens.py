"""Tokens of the identity provider: bearer tokens for the APIs (RFC 9068, RFC 8725) and ID tokens (OpenID Connect)."""

import json
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.auth.permissions import Principal, Session
from shared.auth.provider import Description, ProviderKeys
from shared.auth.provider_config import ProviderConfig, subject_of
from shared.auth.tokens import Audience, InvalidToken, TokenExpired, TokenReader
from shared.clock import Clock

_log = structlog.get_logger()
_LONGEST_TOKEN = 16_384

# Providers write "EdDSA" (RFC 8037). RFC 9864 has a newer name for it, and joserfc warns about the old one each time.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)


class Provider:
    """Reads the identity provider's tokens. Reading sends no request; `prepare` does."""

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        self._keys = ProviderKeys(config)
        self._logged: set[tuple[str, str]] = set()

    async def description(self, now: datetime) -> Description:
        """Return the provider's endpoints.

        Raises:
            ProviderUnavailable: the provider cannot be reached.
        """
        return await self._keys.description(now)

    async def prepare(self, token: str, now: datetime) -> None:
        """Fetch the key that `token` names, if it claims to be the provider's and the key is not known yet.

        Raises:
            ProviderUnavailable: the key is not known and the provider cannot be reached.
        """
        header = _header(token)
        if header.get("alg") in self.config.algorithms and self.claims_to_issue(token):
            await self._keys.prepare(_key_id(header), now)

    def claims_to_issue(self, token: str) -> bool:
        """Return whether `token` claims to be the provider's; this proves nothing."""
        return _unproved_issuer(token) == self.config.issuer

    def read(self, token: str, audience: Audience, now: datetime) -> Session:
        """Return the session of a bearer token.

        Raises:
            TokenExpired: it has expired.
            InvalidToken: it is not the provider's, is not for our APIs, or is an ID token.
        """
        claims = self._verified(token)
        if audience is not Audience.API or self.config.api_audience not in _audiences(claims) or "nonce" in claims:
            raise InvalidToken
        return self._session(claims, now)

    def read_id_token(self, token: str, client_id: str, nonce: str, now: datetime) -> Mapping[str, object]:
        """Return the claims of an ID token that was issued to `client_id` for the sign-in with `nonce`.

        Raises:
            InvalidToken: it is not such a token.
        """
        claims = self._verified(token)
        if client_id not in _audiences(claims) or claims.get("nonce") != nonce:
            raise InvalidToken
        try:
            parsed = CodeIDToken(dict(claims), {}, params={"client_id": client_id, "nonce": nonce})
            parsed.validate(now=int(now.timestamp()), leeway=int(self.config.leeway.total_seconds()))
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken from error
        self._session(claims, now)
        return claims

    def principal(self, claims: Mapping[str, object]) -> Principal:
        """Return the principal that `claims` describe; a claim that cannot be read gives nothing, and is logged once.

        Raises:
            InvalidToken: they name no subject.
        """
        subject, config = subject_of(claims), self.config
        if subject is None:
            raise InvalidToken
        for setting, kind in set(config.unreadable(claims)) - self._logged:
            self._logged.add((setting, kind))
            _log.warning("claim_unreadable", setting=setting, type=kind)
        return Principal(
            subject=subject,
            staff_id=config.staff_id_of(claims),
            name=config.name_of(claims),
            email=config.email_of(claims),
            roles=config.roles_of(claims),
        )

    def _session(self, claims: Mapping[str, object], now: datetime) -> Session:
        principal, leeway = self.principal(claims), self.config.leeway
        issued_at, expires_at = _time(claims.get("iat")), _time(claims.get("exp"))
        not_before = _time(claims["nbf"]) if "nbf" in claims else issued_at
        if now >= expires_at + leeway:
            raise TokenExpired
        if max(issued_at, not_before) > now + leeway:
            raise InvalidToken
        return Session(principal, issued_at, issued_at, expires_at)

    def _verified(self, token: str) -> Mapping[str, object]:
        header, allowed = _header(token), list(self.config.algorithms)
        key = self._keys.find(_key_id(header), str(header.get("alg")))
        if header.get("alg") not in allowed or key is None:
            raise InvalidToken
        try:
            claims = jwt.decode(token, key, algorithms=allowed).claims
        except (JoseError, ValueError) as error:
            raise InvalidToken from error
        if claims.get("iss") != self.config.issuer:
            raise InvalidToken
        return claims


class EitherReader:
    """Reads our own tokens and the provider's; a session is always our own."""

    def __init__(self, ours: TokenReader, provider: Provider) -> None:
        self._ours = ours
        self._provider = provider

    def read(self, token: str, audience: Audience, now: datetime) -> Session:
        """Return the session of `token`.

        Raises:
            TokenExpired: it has expired.
            InvalidToken: it is from an issuer that we do not trust, or for another audience.
        """
        foreign = audience is Audience.API and self._provider.claims_to_issue(token)
        return (self._provider if foreign else self._ours).read(token, audience, now)


def _header(token: str) -> Mapping[str, object]:
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        return {}
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        return {}


def _unproved_issuer(token: str) -> object:
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        return None
    try:
        payload = json.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError, RecursionError):
        return None
    return payload.get("iss") if isinstance(payload, dict) else None


def _key_id(header: Mapping[str, object]) -> str | None:
    key_id = header.get("kid")
    return key_id if isinstance(key_id, str) else None


def _audiences(claims: Mapping[str, object]) -> list[object]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _time(value: object) -> datetime:
    """Read a NumericDate (RFC 7519 §2): seconds, with or without a fraction."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidToken
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidToken from error


class ProviderKeysAtHand:
    """Middleware: fetches the provider's keys in advance, because guards read tokens without awaiting anything.

    Raises:
        ProviderUnavailable: the token's key is not known and the provider cannot be reached. The token may be valid, so
            it is not refused.
    """

    def __init__(self, app: ASGIApp, *, provider: Provider | None, clock: Clock) -> None:
        self._app = app
        self._provider = provider
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._provider is not None and scope["type"] == "http":
            scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
            if scheme.lower() == "bearer":
                await self._provider.prepare(token.strip(), self._clock.now())
        await self._app(scope, receive, send)
