"""A process's sign of life in PostgreSQL: an advisory lock on a connection of its own, which also hears wake-ups."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy import func, select

from services.notifier.delivery.handlers import DUE
from shared.db.database import Database


@dataclass(frozen=True, slots=True)
class Presence:
    """Says that `worker` lives, until `lost`."""

    worker: int
    lost: asyncio.Event


@asynccontextmanager
async def present(database: Database, wake: asyncio.Event) -> AsyncIterator[Presence]:
    """Hold a new worker's lock; `wake` is set whenever deliveries were enqueued, and when the connection is lost.

    PostgreSQL frees the lock as soon as the connection ends, also by a kill: that is how others learn of it.
    """
    presence = Presence(secrets.randbits(63), asyncio.Event())

    def heard(*_: object) -> None:
        wake.set()

    def ended(_: object) -> None:
        presence.lost.set()
        wake.set()

    async with database.connection() as connection:
        await connection.execute(select(func.pg_advisory_lock(presence.worker)))
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        if not isinstance(driver, asyncpg.Connection):
            raise TypeError("deliveries are woken through asyncpg")
        driver.add_termination_listener(ended)
        await driver.add_listener(DUE, heard)
        try:
            yield presence
        finally:
            driver.remove_termination_listener(ended)
            # Never back into the pool: the lock and the listener end with the connection.
            await connection.invalidate()
