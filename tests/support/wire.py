"""A network between a client and a server that can go silent: bytes do not arrive, and neither side learns of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.db.database import Database

LIMIT_SECONDS = 90
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Wire:
    """The address for clients; `port` is on this machine."""

    def __init__(self, connect: Connect) -> None:
        self.port = 0
        self._connect = connect
        self._silences = 0
        self._pumps: set[asyncio.Task[None]] = set()

    def go_silent(self) -> None:
        """Cut off the present connections but leave them open, as after a power cut; new connections work."""
        self._silences += 1

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client to the server."""
        server_reader, server_writer = await self._connect()
        for one, other in ((reader, server_writer), (server_reader, writer)):
            pump = asyncio.create_task(self._pump(one, other))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silences = self._silences
        try:
            while data := await reader.read(65536):
                if silences != self._silences:
                    await asyncio.Event().wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def close(self) -> None:
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


@asynccontextmanager
async def wire_to(connect: Connect) -> AsyncIterator[Wire]:
    """Listen on a free port, and pass on what clients and the server send."""
    wire = Wire(connect)
    server = await asyncio.start_server(wire.take, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await wire.close()


@asynccontextmanager
async def over_a_wire(database: Database) -> AsyncIterator[tuple[Database, Wire]]:
    """Connect to the server of `database` over a network that can go silent, with little patience."""
    url = database.engine.url

    async def server() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if folder := url.query.get("host"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        return await asyncio.open_connection(url.host, url.port)

    async with wire_to(server) as wire, asyncio.timeout(LIMIT_SECONDS):
        address = url.set(host="127.0.0.1", port=wire.port, query={}).render_as_string(hide_password=False)
        remote = Database(address, application_name="tests", answers_within=timedelta(seconds=5))
        try:
            yield remote, wire
        finally:
            await remote.close()
