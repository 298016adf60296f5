"""How often one caller may send something. Who the caller is stays unknown: a keyed digest that soon means nothing."""

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import limits
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.problems import standard_problem

_SALT_LIFE = timedelta(hours=1)
_MANY = 1_000
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class _Window:
    ends: float
    spent: int = 0


class RateLimits:
    """Counts in memory, so each process counts for itself. Callers are named under a salt replaced every hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[tuple[limits.RateLimitItem, str, str], _Window] = {}
        self._forget_at = _MANY
        self._renew_salt()

    def spend(self, limit: limits.RateLimitItem, what: str, caller: str) -> None:
        """Count one `what` of `caller`, in a window that begins with the first.

        Raises:
            Problem: 429 with Retry-After in seconds, once `limit` is used up.
        """
        now, name = self._clock(), self._name(caller)
        window = self._windows.get((limit, what, name))
        if window is None or window.ends <= now:
            self._forget_ended(now)
            window = self._windows[limit, what, name] = _Window(now + limit.get_expiry())
        window.spent += 1
        if window.spent > limit.amount:
            raise standard_problem(429, headers={"retry-after": str(max(1, math.ceil(window.ends - now)))})

    def _forget_ended(self, now: float) -> None:
        """Forget windows that are over, whenever there are twice as many as were left the last time."""
        if len(self._windows) >= self._forget_at:
            self._windows = {key: window for key, window in self._windows.items() if window.ends > now}
            self._forget_at = max(_MANY, 2 * len(self._windows))

    def _name(self, caller: str) -> str:
        if self._clock() - self._salted_at > _SALT_LIFE.total_seconds():
            self._renew_salt()
        return hmac.new(self._salt, caller.encode(), hashlib.sha256).hexdigest()

    def _renew_salt(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._salted_at = self._clock()


class LimitWrites:
    """Middleware: an upper bound for everything that changes something."""

    def __init__(self, app: ASGIApp, *, rates: RateLimits, bearer: str, others: str) -> None:
        self._app = app
        self._rates = rates
        self._bearer = limits.parse(bearer)
        self._others = limits.parse(others)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _READING:
            token = Headers(scope=scope).get("authorization")
            if token:
                self._rates.spend(self._bearer, "write", token)
            else:
                self._rates.spend(self._others, "write", address_of(scope))
        await self._app(scope, receive, send)


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from, as far as counting goes."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
