"""A client that sends nothing, too much or too slowly loses its connection, and keeps no other from its page."""

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from shared.callers import TrustedProxies
from shared.connections import ConnectionLimits, Connections
from shared.server import listening, serve
from tests.support.eventually import eventually

SOON = timedelta(seconds=1)
QUICK = ConnectionLimits(head=SOON, window=SOON, unread=SOON, look_every=timedelta(seconds=0.1))
HALF_HEADS = int(os.environ.get("HALF_HEADS", "1500"))
HEAD = b"POST /report/form HTTP/1.1\r\nHost: x\r\n"


@dataclass(frozen=True)
class Serving:
    port: int
    connections: Connections

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(source, 0))

    async def page(self, source: str = "127.0.0.1") -> int:
        transport = httpx.AsyncHTTPTransport(local_address=source)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{self.port}") as client:
            return (await client.get("/report/form")).status_code


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/report/form")
    async def form() -> None: ...

    @app.post("/report/form")
    async def sent(request: Request) -> dict[str, int]:
        with suppress(ClientDisconnect):
            return {"size": len(await request.body())}
        return {}

    @app.get("/report/large")
    async def large() -> Response:
        return Response(b"x" * 50_000_000)

    return app


@asynccontextmanager
async def started(limits: ConnectionLimits) -> AsyncIterator[Serving]:
    stop, connections = asyncio.Event(), Connections(limits)
    with listening("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(serve(_app(), listener, [], stop, connections))
        yield Serving(listener.getsockname()[1], connections)
        stop.set()
        await serving


async def the_end(connection: socket.socket) -> bytes:
    """Return what is still said on a connection before it is closed."""
    said = b""
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        async with asyncio.timeout(60):
            while part := await loop.sock_recv(connection, 65536):
                said += part
    return said


@asynccontextmanager
async def room_for_sockets(wanted: int) -> AsyncIterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, wanted)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"], ids=["same address", "another address"])
async def test_half_heads_keep_nobody_from_the_page(source: str) -> None:
    """`HALF_HEADS=300` sends fewer of them."""
    patient = ConnectionLimits(most=250, most_of_one_address=100)
    async with room_for_sockets(HALF_HEADS + 1_000), started(patient) as server, AsyncExitStack() as held:
        for _ in range(HALF_HEADS):
            held.enter_context(closing(one := server.connect()))
            one.sendall(HEAD + b"X-a: ")
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            assert [await server.page(source) for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(HEAD, b"HTTP/1.1 408 ", id="half a head"),
        pytest.param(HEAD + b"Content-Length: 5000\r\n\r\nabc", b"HTTP/1.1 408 ", id="a body that stops"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", b"HTTP/1.1 408 ", id="a chunk that stops"),
        pytest.param(
            b"GET /report/form HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", b"HTTP/1.1 200 ", id="GET"
        ),
    ],
)
async def test_a_client_that_stops_is_ended(sent: bytes, answer: bytes) -> None:
    async with started(QUICK) as server:
        with closing(server.connect()) as client:
            client.sendall(sent)
            assert (await the_end(client)).startswith(answer)


async def test_a_body_that_trickles_is_ended_and_a_slow_one_arrives() -> None:
    async with started(QUICK) as server:

        async def send(part: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(HEAD + b"Content-Length: 10000\r\nConnection: close\r\n\r\n")
            reading, answer = asyncio.create_task(reader.read()), b""
            with suppress(ConnectionError):  # a client that still sends may be reset before it reads the answer
                for _ in range(10_000 // len(part)):
                    if not reading.done():
                        writer.write(part)
                        await asyncio.sleep(0.25)
                answer = await reading
            writer.close()
            return answer

        trickle, slow = await asyncio.gather(send(b"x"), send(b"x" * 1_000))
    assert b" 200 " not in trickle
    assert b"10000" in slow


async def test_a_client_that_does_not_read_its_answer_is_ended() -> None:
    async with started(QUICK) as server:
        with closing(server.connect()) as client:
            client.sendall(b"GET /report/large HTTP/1.1\r\nHost: x\r\n\r\n")
            await _until(lambda: len(server.connections) == 1)
            await _until(lambda: len(server.connections) == 0)
            assert len(await the_end(client)) < 50_000_000


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def _lines() -> bytes:
    return b"X-a: " + b"A" * 8000 + b"\r\n"


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        pytest.param(HEAD, _lines, id="lines"),
        pytest.param(HEAD + b"X-a: ", lambda: b"A" * 8000, id="one line"),
        pytest.param(b"GET /", lambda: b"a" * 8000, id="request line"),
        pytest.param(HEAD, lambda: b"a:\r\n" * 2000, id="short lines"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", _lines, id="trailers"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-a: ", lambda: b"A" * 8000, id="one trailer"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;a=", lambda: b"A" * 8000, id="chunk extension"),
    ],
)
async def test_a_head_is_cut_at_64_kb_and_memory_stays_flat(begin: bytes, more: Callable[[], bytes]) -> None:
    async with started(ConnectionLimits()) as server:
        before = _memory()
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(begin)
        sent, part = 0, more() * 10
        with suppress(ConnectionError):
            while sent < 200_000_000:
                writer.write(part)
                await writer.drain()
                sent += len(part)
        writer.close()
        assert sent < 20_000_000  # what the sockets of both sides take
        assert _memory() - before < 50_000_000
        assert await server.page() == 200


async def test_a_head_of_63_kb_is_read() -> None:
    async with started(ConnectionLimits()) as server:
        with closing(server.connect()) as client:
            client.sendall(HEAD + b"X-a: " + b"A" * 63 * 1024 + b"\r\nConnection: close\r\n\r\n")
            assert (await the_end(client)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("count", "status"), [(90, b"200"), (101, b"431")])
async def test_a_request_has_at_most_a_hundred_headers(count: int, status: bytes) -> None:
    async with started(ConnectionLimits()) as server:
        with closing(server.connect()) as client:
            client.sendall(HEAD + b"a: b\r\n" * count + b"Connection: close\r\n\r\n")
            assert (await the_end(client)).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(("proxies", "expected"), [(TrustedProxies(), 10), (TrustedProxies.of("127.0.0.0/8"), 60)])
async def test_one_address_has_its_share_and_a_trusted_proxy_all(proxies: TrustedProxies, expected: int) -> None:
    limits = ConnectionLimits(most=60, most_of_one_address=10, proxies=proxies)
    async with started(limits) as server, AsyncExitStack() as held:
        clients = [held.enter_context(closing(server.connect())) for _ in range(70)]
        await _until(lambda: not _is_open(clients[0]) and sum(map(_is_open, clients)) <= expected)
        assert sum(map(_is_open, clients)) == len(server.connections) == expected


async def _until(condition: Callable[[], bool]) -> None:
    async def holds() -> bool | None:
        return condition() or None

    await eventually(holds)


def _is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
