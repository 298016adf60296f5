"""A limit on wrong receipt codes, in this process's memory: nothing about who asks is stored."""

import hmac
import secrets
from hashlib import sha256

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

WRONG_PER_MINUTE = 20
"""Of one address for one report."""
WRONG_FROM_EVERYWHERE_PER_MINUTE = 100
"""For one report: many addresses, real or made up, are no way round the limit."""


class Attempts:
    """Counts wrong codes by report: of each address, and of all together.

    Many people share the address of a proxy, so wrong codes for one report close only that report. Addresses and
    references are known by a hash that dies with the process.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._of_one = RateLimitItemPerMinute(WRONG_PER_MINUTE)
        self._of_all = RateLimitItemPerMinute(WRONG_FROM_EVERYWHERE_PER_MINUTE)
        self._key = secrets.token_bytes(32)

    def wait(self, client: str, reference: str) -> int:
        """Return after how many seconds, at most, `client` may try another code for `reference`; 0 for now."""
        used_up = (limit for limit, name in self._counts(client, reference) if not self._limiter.test(limit, name))
        return max((limit.get_expiry() for limit in used_up), default=0)

    def failed(self, client: str, reference: str) -> None:
        """Count a wrong code."""
        for limit, name in self._counts(client, reference):
            self._limiter.hit(limit, name)

    def _counts(self, client: str, reference: str) -> tuple[tuple[RateLimitItemPerMinute, str], ...]:
        return (self._of_one, self._name("one", client, reference)), (self._of_all, self._name("all", reference))

    def _name(self, *parts: str) -> str:
        return hmac.new(self._key, "\0".join(parts).encode(), sha256).hexdigest()
