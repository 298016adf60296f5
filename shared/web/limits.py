"""Limits on what one request and one caller may send: how many bytes, and how often.

Callers stay anonymous: they are counted under a keyed digest whose key is replaced every hour.
"""

import asyncio
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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.problems import standard_problem

_SALT_LIFE = timedelta(hours=1)
_MANY = 1_000
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class _Window:
    ends: float
    spent: int = 0


class RateLimits:
    """Counts in memory, so each process counts on its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[tuple[limits.RateLimitItem, str, str], _Window] = {}
        self._forget_at = _MANY
        self._renew_salt()

    def spend(self, limit: limits.RateLimitItem, what: str, caller: str) -> None:
        """Count one `what` of `caller`, in a window that starts with the first one.

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
        """Forget ended windows, whenever there are twice as many windows as were left the last time."""
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
    """Middleware: limits requests that change something."""

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
    """Return the IP address to count a request under."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


DEFAULT_LIMIT = 256 * 1024
_PATIENCE = timedelta(seconds=30)
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class ClientGone(Exception):
    """The client disconnected before its body was complete."""


class BodyLimit:
    """Refuses a body of more than `limit` bytes with 413, chunked or not, and one that arrives too slowly with 408."""

    def __init__(self, app: ASGIApp, limit: int = DEFAULT_LIMIT) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._limit:
            raise standard_problem(413, headers={"connection": "close"})
        try:
            body = await self._read(receive)
        except ClientGone:
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    body += message.get("body", b"")
                    if len(body) > self._limit:
                        raise standard_problem(413, headers={"connection": "close"})
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError as error:
            raise standard_problem(408, headers={"connection": "close"}) from error


def _announced(scope: Scope) -> int:
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(announced) if announced.isdigit() else 0


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed
