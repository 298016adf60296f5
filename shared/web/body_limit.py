"""Bodies are read whole before the application sees them, and no further than the limit, however they are sent."""

import asyncio
from datetime import timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.problems import standard_problem

DEFAULT_LIMIT = 256 * 1024
_PATIENCE = timedelta(seconds=30)
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class ClientGone(Exception):
    """The client hung up before its body was complete."""


class BodyLimit:
    """Refuses a body of more than `limit` bytes with 413, chunked or not, and one that trickles with 408."""

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
