"""A service's database: one engine, and transactions that are opened and closed at the edge."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from socket import gaierror
from ssl import SSLError
from typing import Any, cast

from sqlalchemy import Dialect, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from shared.errors import ExplainedError

_KEEPALIVE = {
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Idle time and interval in seconds, a count, and milliseconds for unacknowledged data.

By default a server keeps the locks of a vanished machine for two hours, or for a quarter of an hour if data is in
flight.
"""


class DatabaseUnreachable(OperationalError, ExplainedError):
    """No server answers at the database's address; the message is one line for a person."""

    def __init__(self, name: str, reason: OSError) -> None:
        super().__init__("connect", None, reason, hide_parameters=True, connection_invalidated=True)
        self._name = name

    def __str__(self) -> str:
        return (
            f"the database {self._name} cannot be reached: {_in_words(cast(OSError, self.orig))}; "
            "check that its PostgreSQL runs, and that SIGNPOST_*_DATABASE_URL has the right address"
        )


class Database:
    """Owns the engine of one database.

    Args:
        url: `postgresql+asyncpg://…`.
        application_name: shown in `pg_stat_activity`.
        pool_size: connections kept open; as many again may be opened under load.
        statement_timeout: the server cancels a statement that runs longer.
        answers_within: a server that takes longer to answer counts as lost. Otherwise, after a power cut or where a
            firewall dropped the connection, the caller would wait for ever.
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str,
        pool_size: int = 5,
        statement_timeout: timedelta = timedelta(seconds=30),
        answers_within: timedelta = timedelta(seconds=40),
    ) -> None:
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={
                "command_timeout": answers_within.total_seconds(),
                "server_settings": {
                    "application_name": application_name,
                    "timezone": "UTC",
                    "jit": "off",  # to compile a statement takes longer than any of ours
                    **_KEEPALIVE,
                    "statement_timeout": str(int(statement_timeout.total_seconds() * 1000)),
                },
            },
        )
        raise_unreachable(self.engine)
        self.driver_arguments = driver_arguments(url)
        """For a connection of the driver's own, to listen for notifications."""
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open the edge's one transaction: committed on exit, rolled back on any exception."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend one connection in autocommit, for locks that outlive a transaction."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        await self.engine.dispose()


def driver_arguments(url: str) -> Mapping[str, Any]:
    """Return the arguments of `asyncpg.connect` that lead to where an engine of `url` connects, in the same way.

    The driver reads a URL in another way than SQLAlchemy: in its own, `?ssl=require` is a setting of the server.
    """
    if not url.startswith("postgresql+asyncpg://"):
        return {"dsn": url}
    parsed = make_url(url)
    _, arguments = parsed.get_dialect()().create_connect_args(parsed)
    return {name: value for name, value in arguments.items() if name != "prepared_statement_cache_size"}


def raise_unreachable(engine: AsyncEngine) -> None:
    """Make `engine` raise `DatabaseUnreachable` when it cannot connect.

    The driver raises the system's own errors: no such socket, no such name, no route to the host.
    """
    event.listen(engine.sync_engine, "do_connect", _connect)


def _connect(
    dialect: Dialect, _record: object, arguments: tuple[Any, ...], parameters: dict[str, Any]
) -> DBAPIConnection:
    try:
        return dialect.connect(*arguments, **parameters)
    except OSError as error:
        raise DatabaseUnreachable(parameters.get("database", "?"), error) from error


def _in_words(error: OSError) -> str:
    if error.errno and not isinstance(error, gaierror | SSLError):  # their error numbers are not the system's
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
