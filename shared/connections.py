"""Ends connections that bring nothing, too much or too slowly, so that they do not keep others out (decision 0044).

uvicorn has no limit on the time or the size of a request's head. Each process counts its own connections.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from shared.callers import TrustedProxies, counted_as
from shared.settings import ServiceSettings

_CHUNKED_OVERHEAD = 8
"""Bytes that may encode one byte of a chunked body: chunks of one byte take six."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one process allows of connections."""

    most: int = 800
    """Connections at once."""
    most_of_one_address: int = 200
    """Connections at once of one address; trusted proxies have no such limit."""
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    head: timedelta = timedelta(seconds=10)
    """How long the first byte may take, and after it the whole head."""
    head_bytes: int = 64 * 1024
    """The longest request line and headers together."""
    headers: int = 100
    """The most headers of a request."""
    rate: int = 1024
    """Bytes a second that a body must bring, and that an answer must be read with."""
    window: timedelta = timedelta(seconds=10)
    """Over what time the rate of a body is measured."""
    unread: timedelta = timedelta(seconds=60)
    """Over what time the rate of an answer is measured that fills the socket."""
    look_every: timedelta = timedelta(seconds=1)


def limits_of(settings: ServiceSettings) -> ConnectionLimits:
    """Return the limits that `settings` say."""
    return ConnectionLimits(settings.most_connections, settings.most_connections_of_address, settings.proxies)


class Owed(Enum):
    """What a connection waits for."""

    FIRST_BYTE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """Nothing of the client's: the request is being answered."""
    READING = auto()
    """The client does not read the answer."""


class Connections:
    """All connections of one process."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._by_caller: dict[str, set[Connection]] = defaultdict(set)
        self._all: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, new: "Connection") -> None:
        """Take in `new`. If there are too many, end the one that waits longest for its client, or else `new`."""
        mine = self._by_caller[counted_as(new.peer)]
        self._all.add(new)
        mine.add(new)
        if len(mine) > self.limits.most_of_one_address and not self.limits.proxies.trusts(new.peer):
            _end_one_of(mine, new)
        elif len(self._all) > self.limits.most:
            _end_one_of(self._all, new)

    def forget(self, gone: "Connection") -> None:
        """Count `gone` no more."""
        self._all.discard(gone)
        caller = counted_as(gone.peer)
        self._by_caller[caller].discard(gone)
        if not self._by_caller[caller]:
            del self._by_caller[caller]

    async def end_late_ones(self) -> None:
        """End late connections, for ever. One look at all of them is cheaper than a timer for each request."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            for connection in tuple(self._all):
                connection.end_if_late(now)
            await asyncio.sleep(self.limits.look_every.total_seconds())


def _end_one_of(connections: "set[Connection]", new: "Connection") -> None:
    waiting = [one for one in connections if one.owed is not Owed.ANSWER and one is not new and not one.ending]
    (min(waiting, key=lambda one: one.since) if waiting else new).end()


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with limits."""

    def __init__(
        self,
        connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = connections
        self._limits = connections.limits
        self.peer = ""
        """The address at the other end."""
        self.ending = False
        self.owed = Owed.FIRST_BYTE
        self.since = 0.0
        self._arrived = 0
        """Bytes since the client last began to owe something else."""
        self._window = 0
        """Bytes of the body since `since`."""
        self._kept = 0
        """Bytes of the request line and of headers, trailers included, that the application is given."""
        self._unread = 0
        """Bytes of the answer that wait since `since`."""
        self._content = 0
        """Bytes of the body without what encodes it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._owe(Owed.FIRST_BYTE)
        self._connections.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.ending:
            return
        if self.owed is Owed.FIRST_BYTE:
            self._owe(Owed.HEAD)
        self._arrived += len(data)
        self._window += len(data)
        super().data_received(data)
        allowed = self._limits.head_bytes + (self._content * _CHUNKED_OVERHEAD if self.owed is Owed.BODY else 0)
        if self.owed in {Owed.HEAD, Owed.BODY} and self._arrived - self._content > allowed:
            self.end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._kept = 0
        if self.owed is not Owed.HEAD:
            self._owe(Owed.HEAD)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._keep(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.ending:
            super().on_header(name, value)
            self._keep(len(name) + len(value) + len(": \r\n"))

    def _keep(self, size: int) -> None:
        self._kept += size
        if self._kept > self._limits.head_bytes or len(self.headers) > self._limits.headers:
            self.end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        if not self.ending:
            self._owe(Owed.BODY)
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.ending:
            self._content += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.ending:
            self._owe(self._next())
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.owed is Owed.ANSWER and self.cycle.response_complete:
            self._owe(Owed.FIRST_BYTE)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._owe(Owed.READING)
        self._unread = self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.owed is Owed.READING:
            self._owe(self._next())

    def _next(self) -> Owed:
        """Return what comes after a whole request, or after a pause of the answer."""
        if self.flow.write_paused:
            return Owed.READING
        return Owed.FIRST_BYTE if self.cycle.response_complete else Owed.ANSWER

    def end_if_late(self, now: float) -> None:
        """End the connection if the client does not keep up."""
        waited, limits = now - self.since, self._limits
        if self.owed is Owed.READING or self.transport.is_closing():
            self._check_reading(waited, now)
        elif self.owed is Owed.BODY:
            self._check_body(waited, now)
        elif self.owed is not Owed.ANSWER and waited > limits.head.total_seconds():
            self.end(HTTPStatus.REQUEST_TIMEOUT if self.owed is Owed.HEAD else None)

    def _check_body(self, waited: float, now: float) -> None:
        if waited < self._limits.window.total_seconds():
            return
        if self._window < waited * self._limits.rate and not self.flow.read_paused:
            self.end(HTTPStatus.REQUEST_TIMEOUT)
        self._window, self.since = 0, now

    def _check_reading(self, waited: float, now: float) -> None:
        if waited < self._limits.unread.total_seconds():
            return
        left = self.transport.get_write_buffer_size()
        if self._unread - left < waited * self._limits.rate:
            self.transport.abort()  # closing would wait until it is read
        self._unread, self.since = left, now

    def end(self, status: HTTPStatus | None = None) -> None:
        """Close the connection; say why, if no other answer is on its way."""
        if self.ending or self.transport.is_closing():
            return
        self.ending = True
        if self.flow.write_paused:
            self.transport.abort()
            return
        if status and self._may_answer():
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            self.transport.write(line.encode())
        self.transport.close()

    def _may_answer(self) -> bool:
        if self.owed is Owed.BODY:
            return not self.cycle.response_started and not self.pipeline
        return not self.answering

    @property
    def answering(self) -> bool:
        """Whether an answer to an earlier request is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _owe(self, owed: Owed) -> None:
        self.owed, self.since = owed, self.loop.time()
        self._arrived = self._window = self._content = 0
