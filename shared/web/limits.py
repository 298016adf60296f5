"""Limits on what one request and one caller may send: how many bytes, and how often.

Callers stay anonymous: they are counted under a keyed digest whose key is replaced every hour.
"""

import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Protocol

import limits
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.permissions import Principal
from shared.callers import TrustedProxies, counted_as
from shared.web.problems import standard_problem

MOST_QUERY_FIELDS = 100
MOST_COOKIES = 50
LARGEST_COOKIES = 16 * 1024
"""Bytes: a session and a few attempts to sign in have a quarter of it."""
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

    def spend(self, limit: limits.RateLimitItem, what: str, caller: str, count: int = 1) -> None:
        """Count `count` more of `what` of `caller`, in a window that starts with the first one.

        Raises:
            Problem: 429 with Retry-After in seconds, once `limit` is used up.
        """
        now, name = self._clock(), self._name(caller)
        window = self._windows.get((limit, what, name))
        if window is None or window.ends <= now:
            self._forget_ended(now)
            window = self._windows[limit, what, name] = _Window(now + limit.get_expiry())
        window.spent += count
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


class CallerLimits(Protocol):
    """The settings with the limits, each written like `600/minute`."""

    @property
    def rate_limit_bearer(self) -> str: ...
    @property
    def rate_limit_person(self) -> str: ...
    @property
    def rate_limit_address(self) -> str: ...
    @property
    def rate_limit_reads(self) -> str: ...


PrincipalOf = Callable[[Request], Principal | None]


class LimitCallers:
    """Middleware: limits what callers change, and what they read.

    A person or system is counted by itself wherever it calls from, and everyone else by address. So no one who is
    signed in is shut out by others at the same address.
    """

    def __init__(self, app: ASGIApp, *, rates: RateLimits, settings: CallerLimits, principal_of: PrincipalOf) -> None:
        self._app = app
        self._rates = rates
        self._bearer = limits.parse(settings.rate_limit_bearer)
        self._person = limits.parse(settings.rate_limit_person)
        self._address = limits.parse(settings.rate_limit_address)
        self._reads = limits.parse(settings.rate_limit_reads)
        self._principal_of = principal_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_free(scope["path"]):
            self._spend(Request(scope))
        await self._app(scope, receive, send)

    def _spend(self, request: Request) -> None:
        """Count a request.

        Raises:
            Problem: 429.
        """
        principal, writes = self._principal_of(request), request.method not in _READING
        if principal is None:
            path = "sign-in" if request.url.path.startswith("/sign-in") else "read"
            limit, what = (self._address, "write") if writes else (self._reads, path)
            self._rates.spend(limit, what, address_of(request.scope))
            return
        limit = self._person if writes else self._reads
        if "authorization" in request.headers:
            limit = self._bearer
        self._rates.spend(limit, "write by person" if writes else "read by person", principal.subject)


def _is_free(path: str) -> bool:
    return path.startswith("/assets/") or path.endswith(("/health/live", "/health/ready", "/metrics"))


class HeadLimit:
    """Refuses a query of too many fields and too many or too large cookies, before anything parses them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            cookies = [value for name, value in scope["headers"] if name == b"cookie"]
            if sum(map(len, cookies)) > LARGEST_COOKIES or sum(one.count(b";") for one in cookies) >= MOST_COOKIES:
                scope["headers"][:] = [one for one in scope["headers"] if one[0] != b"cookie"]  # nor for the error page
                raise standard_problem(431)
            if scope["query_string"].count(b"&") >= MOST_QUERY_FIELDS:
                raise standard_problem(413, detail="The address has too many fields.")
        await self._app(scope, receive, send)


class ForwardedSender:
    """Middleware: names the sender behind a proxy that we trust, so that everything inside counts the right caller."""

    def __init__(self, app: ASGIApp, *, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if self._proxies and client and scope["type"] == "http":
            forwarded = Headers(scope=scope).getlist("x-forwarded-for")
            scope = {**scope, "client": (self._proxies.sender(client[0], forwarded), 0)}
        await self._app(scope, receive, send)


def address_of(scope: Scope) -> str:
    """Return the IP address to count a request under; for IPv6, its network."""
    client = scope.get("client")
    return counted_as(str(client[0])) if client else "unknown"


DEFAULT_LIMIT = 256 * 1024
MOST_JSON_VALUES = 5_000
"""A batch of 100 events has fewer, and a report at most a few hundred."""
_JSON_VALUE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[,\[{]', re.DOTALL)
"""A text, or what begins another value."""
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
LargeBodies = Mapping[str | re.Pattern[str], int]
"""The paths, or patterns of paths, that take more than `DEFAULT_LIMIT` bytes, and how many."""
StreamedBodies = Mapping[re.Pattern[str], int]
"""The paths whose files are read as they arrive, and how many bytes they take at most with all that is around them."""
STREAMED = "signpost.streamed"
"""In the scope of a request whose body has not been read yet."""
_FILES = (b"multipart/form-data", b"application/offset+octet-stream")


class ClientGone(Exception):
    """The client disconnected before its body was complete."""


class BodyLimit:
    """Refuses a body that is larger than its path allows, chunked or not, with 413, and JSON of too many values.

    Nothing has parsed it yet. `shared.connections` ends a body that arrives too slowly. Files are not read here: their
    route reads them as they arrive, and is refused the first byte beyond the limit.
    """

    def __init__(self, app: ASGIApp, *, large: LargeBodies, streamed: StreamedBodies) -> None:
        self._app = app
        self._large = {path: most for path, most in large.items() if isinstance(path, str)}
        self._large_patterns = {path: most for path, most in large.items() if not isinstance(path, str)}
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        if most := self._streamed_limit(scope):
            if _announced(scope) > most:
                raise standard_problem(413, headers={"connection": "close"})
            await self._app({**scope, STREAMED: True}, _counted(receive, most), send)
            return
        limit = self._large.get(scope["path"]) or _most(self._large_patterns, scope["path"]) or DEFAULT_LIMIT
        if _announced(scope) > limit:
            raise standard_problem(413, headers={"connection": "close"})
        try:
            body = await _read(receive, limit)
        except ClientGone:
            return
        if b"json" in _content_type(scope) and _has_many_values(body):
            raise standard_problem(413, detail="The JSON has too many values.")
        await self._app(scope, _replay(body, receive), send)

    def _streamed_limit(self, scope: Scope) -> int | None:
        if not _content_type(scope).startswith(_FILES):
            return None
        return _most(self._streamed, scope["path"])


def _most(limits: Mapping[re.Pattern[str], int], path: str) -> int | None:
    return next((most for pattern, most in limits.items() if pattern.fullmatch(path)), None)


def _counted(receive: Receive, most: int) -> Receive:
    """Return `receive`, which raises 413 at the first byte beyond `most`."""
    arrived = 0

    async def counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > most:
            raise standard_problem(413, headers={"connection": "close"})
        return message

    return counted


async def _read(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > limit:
            raise standard_problem(413, headers={"connection": "close"})
        if not message.get("more_body", False):
            return bytes(body)


def _content_type(scope: Scope) -> bytes:
    return next((value.lower() for name, value in scope["headers"] if name == b"content-type"), b"")


def _has_many_values(body: bytes) -> bool:
    """Return whether JSON has more values than any body of ours, without reading it: commas in a text are no values."""
    if sum(map(body.count, (b",", b"[", b"{"))) <= MOST_JSON_VALUES:
        return False
    return next(islice(_JSON_VALUE.finditer(body), MOST_JSON_VALUES, None), None) is not None


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
