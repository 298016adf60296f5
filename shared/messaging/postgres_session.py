"""Connections to the log's database: a small pool, and one that listens and shows that this process lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.messaging.log import LogUnavailable

CHANNEL = "signpost_log"
"""`NOTIFY` payload: the names of the topics appended to, separated by commas."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

_TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.QueryCanceledError,
)


@asynccontextmanager
async def reachable() -> AsyncIterator[None]:
    """Turn what passes by itself (a lost connection, a deadlock, a server that restarts) into `LogUnavailable`."""
    try:
        yield
    except _TRANSIENT as error:
        raise LogUnavailable(type(error).__name__) from error


class Bell:
    """Wakes one subscription when a topic it reads was appended to."""

    def __init__(self, topics: frozenset[str]) -> None:
        self._topics = topics
        self._rung = asyncio.Event()

    def ring(self, topics: frozenset[str]) -> None:
        """Wake the subscription if it reads one of `topics`."""
        if not self._topics.isdisjoint(topics):
            self._rung.set()

    def silence(self) -> None:
        """Forget earlier rings; call before looking for records."""
        self._rung.clear()

    async def wait(self, seconds: float) -> None:
        """Wait for a ring, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return


class Sessions:
    """The connections of one opened log."""

    def __init__(self, dsn: str, pool: asyncpg.Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._listener: asyncpg.Connection | None = None
        self._opening = asyncio.Lock()
        self._bells: set[Bell] = set()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the database at `url` (`postgresql+asyncpg://…` or `postgresql://…`)."""
        dsn = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        settings = {"application_name": "signpost-log", "timezone": "UTC"}
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=8, command_timeout=30, server_settings=settings)
        return cls(dsn, pool)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection of the pool."""
        async with self._pool.acquire() as connection:
            yield connection

    def add(self, bell: Bell) -> None:
        """Ring `bell` from now on."""
        self._bells.add(bell)

    def remove(self, bell: Bell) -> None:
        """Ring `bell` no more."""
        self._bells.discard(bell)

    async def backend(self) -> int:
        """Return the server process of the listening connection; when it is gone, so are this log's members."""
        async with self._opening:
            if self._listener is None or self._listener.is_closed():
                self._listener = await asyncpg.connect(
                    self._dsn, command_timeout=30, server_settings={"application_name": "signpost-log-listener"}
                )
                await self._listener.add_listener(CHANNEL, self._on_notify)
            return self._listener.get_server_pid()

    def _on_notify(self, _connection: object, _backend: int, _channel: str, payload: object) -> None:
        topics = frozenset(str(payload).split(","))
        for bell in self._bells:
            bell.ring(topics)

    async def close(self) -> None:
        """Close the listening connection and the pool."""
        if self._listener is not None:
            await self._listener.close()
        await self._pool.close()
