"""Requests straight to an application, by the thousand: without a client library and without middleware."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlencode, urlsplit

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.failures import Failures


@dataclass(frozen=True)
class Answer:
    """The response."""

    status: int
    location: str
    text: str
    retry_after: str = ""


async def ask(
    app: ASGIApp,
    method: str,
    address: str,
    headers: Mapping[str, str],
    *,
    data: Mapping[str, object] | None = None,
    form: bool = False,
    endless: bool = False,
) -> Answer:
    """Send one request, with `data` as JSON or as a form; of an endless response, read only the beginning."""
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    body = b"" if data is None else (urlencode(data) if form else json.dumps(data)).encode()
    said = {"host": "127.0.0.1:8000", "content-type": kind, "content-length": str(len(body)), **headers}
    scope = _scope(method, address, said)
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    begun = asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)
        begun.set()

    if endless:
        await _until(begun, asyncio.ensure_future(app(scope, receive, send)))
    else:
        await app(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return Answer(sent[0]["status"], answered.get("location", ""), text, answered.get("retry-after", ""))


def _scope(method: str, address: str, headers: Mapping[str, str]) -> Scope:
    parts = urlsplit(address)
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }


async def _until(begun: asyncio.Event, answering: asyncio.Future[None]) -> None:
    await begun.wait()
    answering.cancel()
    with suppress(asyncio.CancelledError):
        await answering


def without_frame(app: FastAPI) -> None:
    """Remove the middleware that does not decide who may: logs, headers, limits, form tokens."""
    kept = [middleware for middleware in app.user_middleware if middleware.cls.__name__ == Failures.__name__]  # type: ignore[attr-defined] # a class it is
    app.user_middleware = [*kept, Middleware(_Token)]
    app.middleware_stack = None


class _Token:
    """Adds to pages the form token that they show."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "csrftoken": lambda: "token"}, receive, send)
