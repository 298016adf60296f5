"""One sign-in on its way through the provider. The browser keeps it, encrypted: there is nothing to store here."""

import base64
import binascii
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LIFETIME = timedelta(minutes=15)
"""Long enough to find one's telephone for the second factor."""
COOKIE = "signpost_sign_in_"
PATH = "/sign-in"
MOST_AT_ONCE = 5
"""Sign-ins that one browser may have under way: a tab each."""
_NONCE = 12


class AttemptOver(Exception):
    """No sign-in of this browser is under way with that state, or it took too long."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What has to be the same when the person comes back from the provider."""

    state: str
    nonce: str
    verifier: str = field(repr=False)
    onward: str
    started: int

    @classmethod
    def begin(cls, onward: str, now: datetime) -> Self:
        """Return a new attempt that leads to `onward`, with random secrets (RFC 7636 §4.1, RFC 9700 §2.1)."""
        new = secrets.token_urlsafe
        return cls(new(32), new(32), new(48), onward, int(now.timestamp()))

    @property
    def cookie(self) -> str:
        return cookie_of(self.state)

    def is_over(self, now: datetime) -> bool:
        return now >= datetime.fromtimestamp(self.started, UTC) + LIFETIME


def cookie_of(state: str) -> str:
    """Return the name of the cookie that keeps the attempt with `state`."""
    return COOKIE + hashlib.sha256(state.encode()).hexdigest()[:16]


class Attempts:
    """Seals attempts with AES-256-GCM, so that no one, the person included, can read or make one."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, attempt: Attempt) -> str:
        """Return the cookie's value."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, json.dumps(asdict(attempt)).encode(), attempt.cookie.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, state: str, sealed: str | None, now: datetime) -> Attempt:
        """Return the attempt with `state`.

        Raises:
            AttemptOver: there is none, it is another one, or it took too long.
        """
        try:
            raw = base64.urlsafe_b64decode((sealed or "").encode())
            plain = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], cookie_of(state).encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise AttemptOver from None
        attempt = Attempt(**json.loads(plain))
        if attempt.is_over(now) or not secrets.compare_digest(attempt.state.encode(), state.encode()):
            raise AttemptOver
        return attempt
