"""A small HTTP/1.1 client, because CPU time spent by the client is lost to the server."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_IDLE_FOR = 2.0
"""Seconds; uvicorn hangs up after five."""


class Refused(Exception):
    """An answer that is not the expected one; the message is its status line and body."""


@dataclass(slots=True)
class Answers:
    """What a load got."""

    bodies: list[bytes] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """From the first byte sent to the last one received, each."""


class Connection:
    """One kept-alive connection; not shared between tasks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host
        self._used_at = time.perf_counter()

    @property
    def fresh(self) -> bool:
        """Whether a server that hangs up on idle clients surely has not done so yet."""
        return time.perf_counter() - self._used_at < _IDLE_FOR

    @classmethod
    async def open(cls, url: str) -> "Connection":
        """Connect to the server of `url`."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(reader, writer, parts.netloc)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Send `body` and return the body of the 201.

        Raises:
            Refused: another status.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        content = await self._reader.readexactly(_length(answer))
        self._used_at = time.perf_counter()
        if not answer.startswith(b"HTTP/1.1 201 "):
            raise Refused((answer.splitlines()[0] + b" " + content).decode())
        return content

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):  # the other side may have hung up first
            await self._writer.wait_closed()


async def load(url: str, path: str, requests: Iterator[tuple[bytes, Mapping[str, str]]], connections: int) -> Answers:
    """Send every request over `connections` connections, each as soon as the one before it is answered."""
    answers = Answers()

    async def work(connection: Connection) -> None:
        for body, headers in requests:
            began = time.perf_counter()
            answers.bodies.append(await connection.post(path, body, headers))
            answers.seconds.append(time.perf_counter() - began)

    opened = [await Connection.open(url) for _ in range(connections)]
    try:
        async with asyncio.TaskGroup() as group:
            for connection in opened:
                group.create_task(work(connection))
    finally:
        for connection in opened:
            await connection.close()
    return answers


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
