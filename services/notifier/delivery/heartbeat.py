"""A delivery process's heartbeat in PostgreSQL: an advisory lock on its own connection, which also hears wake-ups."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.delivery.handlers import DUE
from shared.db.database import Database

_WAIT_FOR_OWN_LOCK = "1s"
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(slots=True)
class Heartbeat:
    """Shows other processes that `worker` lives, until `lost`."""

    worker: int
    connection: AsyncConnection
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    holds: bool = False

    async def hold(self) -> None:
        """Take the worker's lock. If an earlier connection still holds it, others see the worker live all the same.

        One that has it asks the server for something: a cut network goes unnoticed, and the server may have given
        the lock up since.
        """
        if self.holds:
            await self.connection.execute(select(1))
            return
        try:
            await self.connection.execute(select(func.pg_advisory_lock(self.worker)))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
        else:
            self.holds = True


@asynccontextmanager
async def keep_heartbeat(database: Database, worker: int, wake: asyncio.Event) -> AsyncIterator[Heartbeat]:
    """Hold the lock of `worker`; `wake` is set whenever deliveries were enqueued, and when the connection is lost.

    PostgreSQL frees the lock as soon as the connection ends, also by a kill: that is how others learn of it. A process
    that lost only this connection comes back as the same worker, so that what it is sending stays its own.
    """

    def heard(*_: object) -> None:
        wake.set()

    async with database.connection() as connection:
        heartbeat = Heartbeat(worker, connection)

        def ended(_: object) -> None:
            heartbeat.lost.set()
            wake.set()

        await connection.execute(select(func.set_config("lock_timeout", _WAIT_FOR_OWN_LOCK, False)))  # noqa: FBT003 -- PostgreSQL's is_local
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        if not isinstance(driver, asyncpg.Connection):
            raise TypeError("deliveries are woken through asyncpg")
        driver.add_termination_listener(ended)
        try:
            await heartbeat.hold()
            await driver.add_listener(DUE, heard)
            yield heartbeat
        finally:
            driver.remove_termination_listener(ended)
            # Never back into the pool: the lock and the listener end with the connection.
            await connection.invalidate()
