"""The relay: publishes the events in the outbox, at least once, and those of one aggregate in order.

Only one relay of a service publishes at a time. It holds an advisory lock on its own connection, reads the outbox over
the same connection, and stops at once if the connection is lost. The log fences a relay that notices too late.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from shared.backoff import Backoff
from shared.clock import Clock
from shared.db.database import Database
from shared.db.sweep import wait_for_stop
from shared.events.topics import writer_of
from shared.messaging.faults import class_of, is_being_cancelled, is_transient
from shared.messaging.log import Appender, EventLog, Fenced, LogUnavailable, Record, headers_from_text
from shared.messaging.outbox import Outbox
from shared.observability import metrics

_log = structlog.get_logger()

_BATCH = 500
_LOOK_AGAIN = 0.1
"""Seconds between checks of an outbox that another process writes; this process's own outbox wakes the relay."""
_STAND_BY = 1.0
"""Seconds between attempts to take over from another relay."""
_TRY_LOCK = text("select pg_try_advisory_lock(:lock)")
_LOCK = 0x5167_7265
_WAITING = text(
    "select id, topic, key, value, headers, type, subject from outbox "
    "where published_at is null order by id limit :most"
)
_MARK = text("update outbox set published_at = :now where id = any(:ids)")


class PublishedEvent(NamedTuple):
    """What `on_published` gets about a published event."""

    topic: str
    type: str
    subject: UUID


OnPublished = Callable[[AsyncSession, Sequence[PublishedEvent], datetime], Awaitable[None]]
"""Runs in the transaction that marks the events published."""


class Relay:
    """Publishes the outbox of one service; a role.

    Args:
        service: the owner of the outbox; the writer is `signpost-<service>-relay`.
        database: where the outbox is.
        log: where the events go.
        clock: gives the time of publication.
        on_published: what the service does once its events are in the log.
        outbox: wakes the relay after an append by this process; without it the relay polls.
    """

    kind = "relay"

    def __init__(
        self,
        service: str,
        *,
        database: Database,
        log: EventLog,
        clock: Clock,
        on_published: OnPublished | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self.name = f"{service}-relay"
        self.unready_because: str | None = "not started"
        self._service = service
        self._database = database
        self._event_log = log
        self._clock = clock
        self._on_published = on_published
        self._wake = outbox.committed if outbox else asyncio.Event()
        self._backoff = Backoff()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop`; wait while the log or the database is unavailable."""
        while not stop.is_set():
            try:
                await self._publish_while_leading(stop)
            except Exception as error:  # noqa: BLE001 -- the outermost loop: whatever it is, the outbox keeps the events
                self.unready_because = f"cannot publish: {class_of(error)}"
                report = _log.warning if is_transient(error) or isinstance(error, Fenced) else _log.exception
                report("relay_waits", relay=self.name, error=class_of(error))
                await wait_for_stop(stop, self._backoff.next())

    async def drain(self) -> int:
        """Publish everything that waits now, and return the number of events."""
        async with self._leading() as connection:
            if connection is None:
                return 0
            appender = await self._event_log.appender(writer_of(self._service))
            try:
                return await self._publish_all(connection, appender)
            finally:
                await appender.close()

    async def _publish_while_leading(self, stop: asyncio.Event) -> None:
        async with self._leading() as connection:
            if connection is None:
                self.unready_because = None
                self._backoff.reset()
                await wait_for_stop(stop, _STAND_BY)
                return
            await _until_lost(connection, self._publish_until(stop, connection))

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[AsyncConnection | None]:
        """Hold the lock on its own connection; yield None if another relay holds it."""
        async with self._database.connection() as connection:
            try:
                leads = await connection.scalar(_TRY_LOCK, {"lock": _LOCK})
                yield connection if leads else None
            finally:
                await connection.invalidate()

    async def _publish_until(self, stop: asyncio.Event, connection: AsyncConnection) -> None:
        appender = await self._event_log.appender(writer_of(self._service))
        self.unready_because = None
        _log.info("relay_leads", relay=self.name)
        try:
            while not stop.is_set():
                self._wake.clear()
                if not await self._publish_all(connection, appender):
                    await wait_for_stop(self._wake, _LOOK_AGAIN)
        finally:
            await appender.close()

    async def _publish_all(self, connection: AsyncConnection, appender: Appender) -> int:
        total = 0
        while published := await self._publish_batch(connection, appender):
            total += published
            self._backoff.reset()
        self._backoff.reset()
        return total

    async def _publish_batch(self, connection: AsyncConnection, appender: Appender) -> int:
        rows = (await connection.execute(_WAITING, {"most": _BATCH})).all()
        metrics.OUTBOX_WAITING.labels(self._service).set(len(rows))
        if not rows:
            return 0
        await appender.append([Record(row.topic, row.key, row.value, headers_from_text(row.headers)) for row in rows])
        now = self._clock.now()
        async with self._database.transaction() as session:
            await session.execute(_MARK, {"now": now, "ids": [row.id for row in rows]})
            events = [PublishedEvent(row.topic, row.type, row.subject) for row in rows if row.type and row.subject]
            if self._on_published and events:
                await self._on_published(session, events, now)
        for topic, count in Counter(row.topic for row in rows).items():
            metrics.EVENTS_PUBLISHED.labels(self._service, topic).inc(count)
        _log.info("events_published", relay=self.name, events=len(rows))
        return len(rows)


async def _until_lost(connection: AsyncConnection, publishing: Awaitable[None]) -> None:
    """Await `publishing`; cancel it at once if `connection`, and with it the lock, is lost.

    Raises:
        LogUnavailable: the connection was lost.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise LogUnavailable("lock connection lost")
    task = asyncio.ensure_future(publishing)
    driver.add_termination_listener(lambda _connection: task.cancel())
    try:
        await task
    except asyncio.CancelledError:
        if is_being_cancelled():
            raise
        raise LogUnavailable("lock connection lost") from None
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
