"""How a link is hashed: pure, so that anyone can recompute a chain from its rows."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

GENESIS = bytes(32)
"""What the first link of a chain, and the first anchor, are chained to."""


@dataclass(frozen=True, slots=True)
class Link:
    """What one hash covers: everything about an activity but its personal content, which enters as digests."""

    chain_id: UUID
    position: int
    id: UUID
    at: datetime
    actor: str
    action: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    digests: Mapping[str, str]

    def hash(self, previous: bytes) -> bytes:
        """Return sha-256 over the previous hash and this link as canonical JSON."""
        return chained(
            previous,
            {
                "chain_id": str(self.chain_id),
                "position": self.position,
                "id": str(self.id),
                "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "actor": self.actor,
                "action": self.action,
                "before": dict(self.before),
                "after": dict(self.after),
                "digests": dict(self.digests),
            },
        )


def chained(previous: bytes, content: object) -> bytes:
    """Return sha-256 over `previous` and the canonical JSON (sorted keys, no spaces, UTF-8) of `content`."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()


def digest(salt: str, name: str, text: str) -> str:
    """Return the salted digest of a personal field. Without its salt it says nothing about the text."""
    return hmac.digest(bytes.fromhex(salt), f"{name}\0{text}".encode(), "sha256").hex()
