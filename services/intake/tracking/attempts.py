"""A limit on wrong receipt codes, in this process's memory: nothing about who asks is stored."""

import hmac
import secrets
from hashlib import sha256

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

WRONG_PER_MINUTE = 20


class Attempts:
    """Counts wrong codes by who sends them, known only by a hash that dies with the process."""

    def __init__(self, wrong_per_minute: int = WRONG_PER_MINUTE) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(wrong_per_minute)
        self._key = secrets.token_bytes(32)

    def allowed(self, client: str) -> bool:
        """Say whether `client` may try another code now."""
        return self._limiter.test(self._limit, self._name(client))

    def failed(self, client: str) -> None:
        """Count a wrong code."""
        self._limiter.hit(self._limit, self._name(client))

    def _name(self, client: str) -> str:
        return hmac.new(self._key, client.encode(), sha256).hexdigest()
