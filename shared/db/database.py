"""A service's database: one engine, and transactions opened and closed at the edge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine


class Database:
    """Owns the engine of one database.

    Args:
        url: `postgresql+asyncpg://…`.
        application_name: shown in `pg_stat_activity`.
        pool_size: connections kept; as many again may be opened under load.
        statement_timeout: a statement that runs longer is cancelled by the server.
        silence_timeout: a server that has not answered by then is taken for gone, so that nothing hangs for ever: after
            a power cut, or where a firewall forgot a connection, nobody is told.
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str,
        pool_size: int = 5,
        statement_timeout: timedelta = timedelta(seconds=30),
        silence_timeout: timedelta = timedelta(seconds=40),
    ) -> None:
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={
                "command_timeout": silence_timeout.total_seconds(),
                "server_settings": {
                    "application_name": application_name,
                    "timezone": "UTC",
                    "statement_timeout": str(int(statement_timeout.total_seconds() * 1000)),
                },
            },
        )
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
