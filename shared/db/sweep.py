"""Time-driven work: a sweep claims due rows in batches, so that restarts and concurrent processes are harmless."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from shared.backoff import Backoff
from shared.clock import Clock
from shared.db.database import Database

_log = structlog.get_logger()

_UNAVAILABLE = (DBAPIError, PoolTimeout, OSError)
"""Errors of a database that is unavailable, or has no free connection."""

_TRY_AGAIN_WITHIN = 30.0

Work = Callable[[AsyncSession, datetime], Awaitable[int]]
"""Claims due rows with `FOR UPDATE SKIP LOCKED`, handles them and returns how many; 0 if nothing is due."""


class Sweep:
    """Runs `work` in one transaction per batch until nothing is due, waits `every`, and starts again.

    After a failure it retries soon; otherwise an hourly sweep would make its service unready for an hour.
    """

    kind = "sweep"

    def __init__(self, name: str, work: Work, *, database: Database, clock: Clock, every: timedelta) -> None:
        self.name = name
        self.unready_because: str | None = None
        self._work = work
        self._database = database
        self._clock = clock
        self._every = every.total_seconds()

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until `stop`; wait while the database is unavailable."""
        backoff = Backoff(limit=_TRY_AGAIN_WITHIN)
        while not stop.is_set():
            try:
                done = await self._sweep_once()
                self.unready_because = None
                backoff.reset()
                wait = 0.0 if done else self._every
            except Exception as error:  # noqa: BLE001 -- the outermost loop: what is due stays due and is tried again
                unavailable = isinstance(error, _UNAVAILABLE)
                self.unready_because = (
                    "database unavailable" if unavailable else f"cannot sweep: {type(error).__name__}"
                )
                report = _log.warning if unavailable else _log.exception
                report("sweep_waits", sweep=self.name, error=type(error).__name__)
                wait = backoff.next()
            await wait_for_stop(stop, wait)

    async def _sweep_once(self) -> int:
        async with self._database.transaction() as session:
            return await self._work(session, self._clock.now())


async def wait_for_stop(stop: asyncio.Event, seconds: float) -> None:
    """Wait until `stop` is set, at most `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
