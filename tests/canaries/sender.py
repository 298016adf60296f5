"""Requests with canaries in every part, accepted and refused in every way."""

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth.permissions import Role
from shared.db.database import Database
from tests.authorisation.services import ADDRESS
from tests.authorisation.world import World
from tests.canaries.entries import Entry
from tests.canaries.markers import Canaries, filled

ADDRESS_OF_CLIENT = "203.0.113.77"
TRACE = "c0ffee" * 5 + "c0"
_NOT_THERE = "0190c6f0-0000-7000-8000-000000000000"
"""The id of something that the world of these tests does not have."""
_LATEST_VERSION = 30
_NAMED = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|SP-[0-9A-Z-]+")
_CHANGED = 412
Failure = Callable[[AsyncSession, str], Awaitable[None]]


@dataclass(frozen=True)
class Answered:
    """A request's response, and the words that it may contain."""

    asked: str
    body: set[str]
    """Words that were typed into a form or a body: their writer may see them again."""
    address: set[str]
    """Words in the request's own URL."""
    response: httpx.Response


@dataclass
class Sender:
    """Sends requests, and keeps every response."""

    world: World
    canaries: Canaries
    answers: list[Answered] = field(default_factory=list)
    of_headers: set[str] = field(default_factory=set)
    """Words in headers that identify a person's machine."""
    _versions: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: 0))
    """Object, as its address names it → the version that was current when it was last sent something."""

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Open a client with its own address."""
        transport = httpx.ASGITransport(self.world.front, raise_app_exceptions=False, client=(ADDRESS_OF_CLIENT, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
            yield client

    async def send(
        self,
        client: httpx.AsyncClient,
        what: str,
        method: str,
        address: str,
        **request: Any,  # noqa: ANN401 - httpx'
    ) -> httpx.Response:
        """Send one request with canaries in its headers as well as its content."""
        headers = {**self._travelling(what), **request.pop("headers", {})}
        sent = client.build_request(method, address, headers=headers, **request)
        body, own = self.canaries.in_text(await sent.aread()), self.canaries.in_text(str(sent.url))
        response = await client.send(sent)
        self.answers.append(Answered(what, body, own, response))
        return response

    async def entry(self, entry: Entry) -> httpx.Response:
        """Send an entry of the table in every way that fails, and then correctly."""
        async with self.client() as client:
            for how, request in self._refused(entry):
                await self._ask(client, entry, how, request)
            for failure in (breaks, is_away):
                request = self._whole(entry)
                async with database_that(self.world, failure, json.dumps(request.get("json", request.get("data")))):
                    await self._with_version(client, entry, failure.__name__, request)
            return await self._with_version(client, entry, "taken", self._whole(entry))

    def _refused(self, entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
        word = self.canaries.new
        for name in _places(entry):
            yield f"U+0000 in{name}", self._whole(entry, spoilt=name)
        if isinstance(entry.json, Mapping):
            yield "unknown field", self._whole(entry) | {"json": {**entry.json, "more": word(entry.name)}}
            yield "no object", self._whole(entry) | {"json": [word(entry.name)]}
        if entry.method == "POST":
            yield "no JSON", self._as_bytes(entry, f'{{"{word(entry.name)}'.encode())
            yield "no UTF-8", self._as_bytes(entry, word(entry.name).encode() + b"\xff")
            yield "another type", self._as_bytes(entry, word(entry.name).encode(), f"text/{word(entry.name)}")
        yield "no token", self._whole(entry) | {"headers": {"authorization": f"Bearer {word(entry.name)}"}}
        yield "another's", self._whole(entry) | {"headers": self.world.bearer(Role.INSPECTOR, "S1002")}

    def _as_bytes(self, entry: Entry, content: bytes, kind: str = "") -> dict[str, Any]:
        request = self._whole(entry)
        request = {name: value for name, value in request.items() if name not in {"json", "data", "files"}}
        return request | {"content": content, "headers": {**request["headers"], "content-type": kind or entry.type}}

    def _whole(self, entry: Entry, spoilt: str = "") -> dict[str, Any]:
        """Return the entry with new words, the one at `spoilt` followed by U+0000."""

        def new(where: str) -> str:
            return self.canaries.new(where) + ("\0" if spoilt and where.endswith(spoilt) else "")

        signed = self.world.bearer(*entry.sender) if entry.sender else {}
        request: dict[str, Any] = {"params": filled(entry.query, f"{entry.name} query", new)}
        headers = filled(entry.headers, f"{entry.name} header", self.canaries.new)
        kind = {} if entry.files else {"content-type": entry.type}
        request["headers"] = {**kind, **signed, **headers}
        if entry.files:
            names = filled(entry.files, f"{entry.name} file", self.canaries.new)
            text = self.canaries.new(f"{entry.name} content").encode()
            request["files"] = {field: (name, text) for field, name in names.items()}
            request["data"] = filled(entry.form, entry.name, new)
        if entry.json is not None:
            request["json"] = filled(entry.json, entry.name, new)
        return request

    async def _with_version(
        self, client: httpx.AsyncClient, entry: Entry, how: str, request: dict[str, Any]
    ) -> httpx.Response:
        """Send until the version is the current one; every refusal on the way is one more response."""
        for version in self.versions(self._path(entry)):
            headers = {"if-match": f'"{version}"', **request["headers"]}
            response = await self._ask(client, entry, how, request | {"headers": headers})
            if response.status_code != _CHANGED:
                return response
        raise AssertionError(f"{entry.name}: no version fits")

    def versions(self, path: str) -> Iterator[int]:
        """Yield versions of the object at `path` to try, from the last that fitted: a version never goes back."""
        named = _NAMED.search(path)
        known = named[0] if named else path
        for version in range(self._versions[known], _LATEST_VERSION):
            self._versions[known] = version
            yield version

    async def _ask(
        self, client: httpx.AsyncClient, entry: Entry, how: str, request: Mapping[str, Any]
    ) -> httpx.Response:
        if not request.get("params"):
            request = {**request, "params": {"beside": self.canaries.new(f"{entry.name} query")}}
        return await self.send(client, f"{entry.name}: {how}", entry.method, self._path(entry), **request)

    def _path(self, entry: Entry) -> str:
        path = entry.path
        for part in (
            *("reference", "case_id", "evidence_id", "campaign_id"),
            *("account_id", "request_id", "operator_id", "delegation_id", "task_id"),
            *("takedown_id", "template_id", "review_id", "view_id"),
        ):
            if f"{{{part}}}" in path:
                path = path.replace(f"{{{part}}}", str(self.world.address(part, entry.about, path) or _NOT_THERE))
        return path

    def _travelling(self, what: str) -> dict[str, str]:
        """Return headers that a browser, a proxy or a client adds."""

        def word(name: str) -> str:
            new = self.canaries.new(f"{what}, header {name}")
            self.of_headers.add(new)
            return new

        return {
            "user-agent": word("User-Agent"),
            "x-forwarded-for": f"{word('X-Forwarded-For')}, 198.51.100.77",
            "forwarded": f"for={word('Forwarded')}",
            "referer": f"https://example.com/{word('Referer')}",
            "traceparent": f"00-{TRACE}-{'c0ffee00' * 2}-01",
            "tracestate": f"a={word('tracestate')}",
            "baggage": f"a={word('baggage')}",
            "idempotency-key": f"{word('Idempotency-Key')}-{uuid4().hex}",
            "if-match": f'"{word("If-Match")}"',
            "accept-language": word("Accept-Language"),
            "x-request-id": word("X-Request-ID"),
        }


def _places(entry: Entry) -> list[str]:
    """Return where in its JSON an entry contains canaries."""
    found: dict[str, None] = {}

    def note(where: str) -> str:
        found[where] = None
        return ""

    filled(entry.written, "", note)
    return list(found)


@asynccontextmanager
async def database_that(world: World, fails: Failure, words: str, times: int = 1_000) -> AsyncIterator[None]:
    """Let the next `times` transactions fail with a database error that repeats `words`."""
    left = [times]
    databases = [service.database for service in world.services.values()]
    for database in databases:
        database.transaction = _ending_in(database, fails, words, left)  # type: ignore[method-assign, assignment] # on purpose
    try:
        yield
    finally:
        for database in databases:
            del database.transaction


def _ending_in(
    database: Database, fails: Failure, words: str, left: list[int]
) -> Callable[[], AbstractAsyncContextManager[AsyncSession]]:
    real = database.transaction

    @asynccontextmanager
    async def transaction() -> AsyncIterator[AsyncSession]:
        async with real() as session:
            yield session
            await session.flush()
            if left[0]:
                left[0] -= 1
                await fails(session, words)

    return transaction


async def breaks(session: AsyncSession, words: str) -> None:
    """Fail like a statement whose error repeats its parameters."""
    await session.execute(text("select cast(cast(:words as text) as integer)"), {"words": words})


async def is_away(_session: AsyncSession, words: str) -> None:
    """Fail like a server that goes down; the library's error repeats statement and values."""
    raise OperationalError("insert into report values (:words)", {"words": words}, ConnectionResetError(words))
