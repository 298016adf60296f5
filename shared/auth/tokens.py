"""Session cookies and bearer tokens: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 9864), and their key files.

A session token is refused as a bearer token, and a bearer token as a session: their audiences differ.
"""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.auth.permissions import Principal, Role, Session
from shared.ids import RandomIds, StaffId

ISSUER = "signpost"
ALGORITHM = "Ed25519"
IDLE_LIMIT = timedelta(minutes=30)
SESSION_LIMIT = timedelta(hours=8)
RENEWED_AFTER = timedelta(minutes=5)
BEARER_LIFE = timedelta(hours=8)
_LONGEST_TOKEN = 4096
_REMEMBERED = 10_000
_LEEWAY = timedelta(seconds=10)
_KNOWN_ROLES = frozenset(role.value for role in Role)


class Audience(StrEnum):
    """The use of a token."""

    SESSION = "signpost-session"
    API = "signpost-api"


class InvalidToken(Exception):
    """The token is not ours, is for another audience, or has expired. The error never contains the token."""


class TokenExpired(InvalidToken):
    """The token was valid and has expired."""


class TokenIssuer:
    """Signs tokens. Only the front door, and the command line in embedded mode, have the private key."""

    def __init__(self, private_key_pem: bytes) -> None:
        self._key = OKPKey.import_key(private_key_pem)

    def session(
        self,
        principal: Principal,
        now: datetime,
        *,
        started_at: datetime | None = None,
        session_id: UUID | None = None,
        form_nonce: str | None = None,
    ) -> str:
        """Return a session token that expires after 30 idle minutes, and 8 hours after `started_at` at the latest.

        Args:
            principal: who is signed in.
            now: when the token is issued.
            started_at: when they signed in; now by default.
            session_id: the id of the session that this token continues; a new one by default.
            form_nonce: what the form tokens of this browser are made of; without it, they depend on a cookie alone.
        """
        started = started_at or now
        until = min(now + IDLE_LIMIT, started + SESSION_LIMIT)
        own = {"sid": str(session_id or RandomIds().uuid())} | ({"form_nonce": form_nonce} if form_nonce else {})
        return self._sign(principal, Audience.SESSION, now, until, started, own)

    def renewed(self, session: Session, now: datetime) -> str:
        """Return the next token of `session`."""
        return self.session(
            session.principal,
            now,
            started_at=session.started_at,
            session_id=session.id,
            form_nonce=session.form_nonce,
        )

    def bearer(self, principal: Principal, now: datetime, life: timedelta = BEARER_LIFE) -> str:
        """Return a bearer token for the APIs."""
        return self._sign(principal, Audience.API, now, now + life, now, {})

    def _sign(
        self,
        who: Principal,
        audience: Audience,
        now: datetime,
        until: datetime,
        started: datetime,
        own: Mapping[str, str],
    ) -> str:
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": audience.value,
            "sub": who.subject,
            "iat": int(now.timestamp()),
            "exp": int(until.timestamp()),
            "auth_time": int(started.timestamp()),
            "started": started.timestamp(),
            "roles": sorted(who.roles),
            **own,
        }
        known = {"staff_id": who.staff_id, "name": who.name, "email": who.email}
        claims |= {name: value for name, value in known.items() if value is not None}
        return jwt.encode({"alg": ALGORITHM}, claims, self._key, algorithms=[ALGORITHM])


class TokenReader(Protocol):
    """What a guard needs: it turns tokens into sessions."""

    def read(self, token: str, audience: Audience, now: datetime) -> Session: ...


class TokenVerifier:
    """Reads tokens with the public keys: the current one, and while it is replaced, also the next or the previous one.

    A verified token is cached under its digest: its signature stays valid, only its expiry is checked again.
    """

    def __init__(self, *public_keys_pem: bytes) -> None:
        self._keys = [OKPKey.import_key(pem) for pem in public_keys_pem]
        self._read: dict[tuple[bytes, Audience], Session] = {}

    def read(self, token: str, audience: Audience, now: datetime) -> Session:
        """Return the session of `token`.

        Raises:
            TokenExpired: it has expired.
            InvalidToken: it is not signed by us with the one allowed algorithm, or not for `audience`.
        """
        known = (sha256(token.encode()).digest(), audience)
        session = self._read.get(known) or self._verified(token, audience)
        if now >= session.expires_at:
            raise TokenExpired
        if session.issued_at > now + _LEEWAY:
            raise InvalidToken
        if len(self._read) >= _REMEMBERED:
            self._read.clear()
        self._read[known] = session
        return session

    def _verified(self, token: str, audience: Audience) -> Session:
        claims = self._verified_claims(token)
        if claims.get("iss") != ISSUER or claims.get("aud") != audience:
            raise InvalidToken
        return _session(claims)

    def _verified_claims(self, token: str) -> Mapping[str, object]:
        if len(token) > _LONGEST_TOKEN:
            raise InvalidToken
        for key in self._keys:
            with suppress(JoseError, ValueError):
                return jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        raise InvalidToken


def renewal_is_due(session: Session, now: datetime) -> bool:
    """Return whether a new token would extend the session, and the last one is old enough to replace."""
    can_go_on = session.expires_at < session.started_at + SESSION_LIMIT
    return can_go_on and now - session.issued_at >= RENEWED_AFTER


def new_form_nonce() -> str:
    """Return what the form tokens of one browser are made of."""
    return secrets.token_urlsafe(24)


def new_key_pair() -> tuple[bytes, bytes]:
    """Return a fresh private and public key as PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, _public_half(private)


def ensure_key_files(folder: Path) -> tuple[Path, Path]:
    """Return the paths of the private and the public key in `folder`, created on first use with mode 0600."""
    private, public = folder / "signing-key.pem", folder / "verify-key.pem"
    ensure_key_pair(private, public)
    return private, public


def ensure_key_pair(private: Path, public: Path) -> None:
    """Create the private key at `private` and its public key at `public`, each if it is missing; mode 0600."""
    if not private.exists():
        public.unlink(missing_ok=True)  # it belongs to a deleted private key
        _write_privately(private, new_key_pair()[0])
    if not public.exists():
        _write_privately(public, _public_half(private.read_bytes()))


def _session(claims: Mapping[str, object]) -> Session:
    subject, roles, staff_id = claims.get("sub"), claims.get("roles"), _text(claims, "staff_id")
    if not isinstance(subject, str) or not isinstance(roles, list):
        raise InvalidToken
    principal = Principal(
        subject=subject,
        staff_id=None if staff_id is None else StaffId(staff_id),
        name=_text(claims, "name"),
        email=_text(claims, "email"),
        roles=frozenset(Role(role) for role in roles if role in _KNOWN_ROLES),
    )
    return Session(
        principal,
        started_at=_started(claims),
        issued_at=_time(claims, "iat"),
        expires_at=_time(claims, "exp"),
        id=_id(claims, "sid"),
        form_nonce=_text(claims, "form_nonce"),
    )


def _started(claims: Mapping[str, object]) -> datetime:
    """Return when the session began: to the microsecond, so that what begins after an end is told from what it ended.

    Tokens of earlier versions have seconds alone.
    """
    started = claims.get("started")
    return datetime.fromtimestamp(started, UTC) if isinstance(started, float) else _time(claims, "auth_time")


def _id(claims: Mapping[str, object], name: str) -> UUID | None:
    try:
        return UUID(_text(claims, name) or "")
    except ValueError:
        return None


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None


def _time(claims: Mapping[str, object], name: str) -> datetime:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidToken
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidToken from error


def _public_half(private: bytes) -> bytes:
    key = load_pem_private_key(private, password=None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write_privately(path: Path, content: bytes) -> None:
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
    scratch.rename(path)
