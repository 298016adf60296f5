"""One transaction for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from services.cli.settings import database_url
from shared.db.database import Database


@asynccontextmanager
async def transaction(service: str) -> AsyncIterator[AsyncSession]:
    """Open the database of `service` for one transaction, committed on leaving."""
    database = Database(database_url(service), application_name="signpost-command", pool_size=1)
    try:
        async with database.transaction() as session:
            yield session
    finally:
        await database.close()
