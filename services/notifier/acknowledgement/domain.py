"""The link in an alert: its holder may answer for the recipient. Links are not stored. Pure."""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from shared.encryption import Keys
from shared.events.vocabulary import Acknowledgement, RecipientReason
from shared.ids import AlertId

_LAYOUT = struct.Struct(">16sBI")
"""Alert, generation, expiry in seconds since 1970."""
_MAC_BYTES = 16
_TOKEN_CHARACTERS = 50

ESCALATES = {
    Acknowledgement.NOT_MINE: RecipientReason.ESCALATED_NOT_MINE,
    Acknowledgement.CANNOT_ACT: RecipientReason.ESCALATED_CANNOT_ACT,
}
"""Answers after which the next person is alerted at once."""


@dataclass(frozen=True, slots=True)
class AnswerTimes:
    """How long recipients have to answer once the mail server has accepted the alert. The times are our choice."""

    remind_after: timedelta
    escalate_after: timedelta


@dataclass(frozen=True, slots=True)
class Link:
    """What a token claims, before it is verified."""

    alert_id: AlertId
    generation: int
    """Which message had the link: 1 the alert, 2 its reminder."""
    expires_at: datetime


def token_of(link: Link, recipient: str, keys: Keys) -> str:
    """Return the token: the link's facts and HMAC-SHA256(key, facts, recipient), in URL-safe Base64."""
    facts = _facts(link)
    return _text(facts + _mac(facts, recipient, keys.first))


def read_token(token: str) -> Link | None:
    """Return the claims of `token`, or None if it is not a token."""
    raw = _bytes(token)
    if raw is None:
        return None
    alert_id, generation, expires = _LAYOUT.unpack(raw[:-_MAC_BYTES])
    return Link(AlertId(UUID(bytes=alert_id)), generation, datetime.fromtimestamp(expires, UTC))


def is_genuine(token: str, recipient: str, keys: Keys, now: datetime) -> bool:
    """Return whether `token` was made with one of `keys` for `recipient`, and has not expired; in constant time."""
    raw, link = _bytes(token), read_token(token)
    if raw is None or link is None:
        return False
    facts, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    compared = [hmac.compare_digest(mac, _mac(facts, recipient, key)) for key in keys]
    return any(compared) and now < link.expires_at


def _facts(link: Link) -> bytes:
    return _LAYOUT.pack(link.alert_id.bytes, link.generation, int(link.expires_at.timestamp()))


def _mac(facts: bytes, recipient: str, key: bytes) -> bytes:
    return hmac.digest(key, facts + recipient.encode(), sha256)[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(token: str) -> bytes | None:
    """Decode strictly, so that each token has exactly one spelling."""
    if len(token) != _TOKEN_CHARACTERS:
        return None
    try:
        raw = base64.b64decode(token + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == _LAYOUT.size + _MAC_BYTES and _text(raw) == token else None
