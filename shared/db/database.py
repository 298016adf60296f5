"""A service's database: one engine, and transactions opened and closed at the edge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine

from shared.db.reaching import say_when_unreachable

_KEEPALIVE = {
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""In seconds, how often, and in milliseconds where something is on its way, which is then waited for instead.

By default a server keeps the locks of a machine that is gone for two hours, or for a quarter of one.
"""


class Database:
    """Owns the engine of one database.

    Args:
        url: `postgresql+asyncpg://…`.
        application_name: shown in `pg_stat_activity`.
        pool_size: connections kept; as many again may be opened under load.
        statement_timeout: a statement that runs longer is cancelled by the server.
        answers_within: a server that has not answered a command by then is taken for gone, so that nothing hangs for
            ever: after a power cut, or where a firewall forgot a connection, nobody is told.
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
                    **_KEEPALIVE,
                    "statement_timeout": str(int(statement_timeout.total_seconds() * 1000)),
                },
            },
        )
        say_when_unreachable(self.engine)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open the edge's one transaction: committed on leaving, rolled back on any exception."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend one connection in autocommit, for locks that outlive a transaction."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        await self.engine.dispose()
