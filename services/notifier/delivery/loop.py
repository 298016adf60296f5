"""The delivery loop: claims due deliveries, sends several at once, records their results, and keeps a heartbeat."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.delivery import domain, handlers
from shared.clock import Clock
from shared.db.database import Database
from shared.db.sweep import wait_for_stop
from shared.ids import Ids
from shared.messaging.faults import class_of, is_transient
from shared.observability import metrics

_log = structlog.get_logger()
Compose = Callable[[domain.Attempt, datetime], domain.Message]
"""Composes the message of an attempt."""
_AT_ONCE = 8
_LOOK_EVERY = 1.0
_GONE_FOR = 2.0
"""Seconds for which a worker must be gone; one that only lost its connection is back sooner."""
_DATABASE_UNAVAILABLE = 1.0
_TRIES_WHEN_STOPPING = 3
_WAIT_FOR_OWN_LOCK = "1s"
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What the loop needs from the rest of notifier."""

    channels: Mapping[str, domain.Channel]
    compose: Compose
    on_settled: handlers.OnSettled
    """Follows each result in its transaction: `app.py` gives `Acknowledgements.settled`."""
    times: handlers.DeliveryTimes


@dataclass(slots=True)
class Heartbeat:
    """Shows other processes that `worker` is alive, until `lost`."""

    worker: int
    connection: AsyncConnection
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    holds: bool = False

    async def hold(self) -> None:
        """Take the worker's lock. If an earlier connection still holds it, others still see the worker as alive.

        If it has the lock already, it sends the server a query: a cut network goes unnoticed, and the server may have
        released the lock since.
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


class DeliveryLoop:
    """Sends due deliveries. Any number of loops may run at once: each delivery is claimed by one.

    Wakes on PostgreSQL's notification when deliveries are enqueued, and checks once a second for retries.
    """

    kind = "sweep"  # it claims due rows like one, so `--roles` starts it with them
    name = "notifier-delivery"

    def __init__(self, deliveries: Deliveries, *, database: Database, clock: Clock, ids: Ids) -> None:
        self.unready_because: str | None = None
        self._deliveries = deliveries
        self._database = database
        self._clock = clock
        self._ids = ids
        self._worker = secrets.randbits(63)
        self._gone_since: dict[int, float] = {}
        self._wake = asyncio.Event()
        self._sending: dict[asyncio.Task[None], UUID] = {}
        self._results: dict[UUID, domain.SendResult] = {}
        self._recording = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`, then wait for current attempts."""
        stopper = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                await self._deliver_while_database_is_there(stop)
            await asyncio.gather(*self._sending)
        finally:
            stopper.cancel()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _deliver_while_database_is_there(self, stop: asyncio.Event) -> None:
        try:
            async with keep_heartbeat(self._database, self._worker, self._wake) as heartbeat:
                self.unready_because = None
                await self._deliver(heartbeat, stop)
        except Exception as error:  # noqa: BLE001 -- the outermost loop: whatever it is, the deliveries stay due
            self.unready_because = "database unavailable" if is_transient(error) else f"cannot send: {class_of(error)}"
            _report("delivery_waits", error)
            await wait_for_stop(stop, _DATABASE_UNAVAILABLE)

    async def _deliver(self, heartbeat: Heartbeat, stop: asyncio.Event) -> None:
        look_at = 0.0
        while not (stop.is_set() or heartbeat.lost.is_set()):
            self._wake.clear()
            if time.monotonic() >= look_at:
                await heartbeat.hold()
                await self._release_abandoned()
                look_at = time.monotonic() + _LOOK_EVERY
            await self._send_what_is_due(stop)
            await self._wait_for_work()

    async def _release_abandoned(self) -> None:
        async with self._database.transaction() as session:
            gone = self._long_gone(await handlers.workers_gone(session), time.monotonic())
            released = await handlers.release_abandoned(session, gone, self._clock.now())
        if released:
            _log.info("deliveries_released", count=released)

    def _long_gone(self, workers: Collection[int], moment: float) -> set[int]:
        """Return which of `workers`, gone now, were gone at every recent check; never this worker itself."""
        self._gone_since = {worker: self._gone_since.get(worker, moment) for worker in workers}
        return {w for w, since in self._gone_since.items() if w != self._worker and moment - since >= _GONE_FOR}

    async def _send_what_is_due(self, stop: asyncio.Event) -> None:
        free = _AT_ONCE - len(self._sending)
        if free <= 0:
            return
        async with self._database.transaction() as session:
            attempts = await handlers.claim(
                session,
                worker=self._worker,
                limit=free,
                lease=self._deliveries.times.lease,
                now=self._clock.now(),
                ids=self._ids,
                sending=tuple(self._sending.values()),
            )
        for attempt in attempts:
            task = asyncio.create_task(self._attempt(attempt, stop))
            self._sending[task] = attempt.delivery_id
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.pop(task, None)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            # The attempt stays open: it is sent again, marked as a repeat, when its lease ends.
            _log.error("attempt_not_recorded", error=type(error).__name__)

    async def _wait_for_work(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _attempt(self, attempt: domain.Attempt, stop: asyncio.Event) -> None:
        self._results[attempt.attempt_id] = await self._send(attempt)
        tries = 0
        while not await self._recorded_once(attempt.attempt_id, alone=tries > 0):
            tries += 1
            if stop.is_set() and tries >= _TRIES_WHEN_STOPPING:
                _log.warning("outcome_left_open")
                return
            await asyncio.sleep(_DATABASE_UNAVAILABLE)

    async def _recorded_once(self, attempt_id: UUID, *, alone: bool) -> bool:
        """Record the result of an attempt. A sent message must not be sent again, so this is retried until it succeeds.

        One transaction records all results that came while the previous one was written. If it fails, each is recorded
        `alone`, so that one that cannot be recorded does not hold up the others.
        """
        async with self._recording:
            if attempt_id not in self._results:
                return True
            results = {attempt_id: self._results[attempt_id]} if alone else dict(self._results)
            if await self._recorded(results):
                self._results = {key: value for key, value in self._results.items() if key not in results}
                return True
            return False

    async def _send(self, attempt: domain.Attempt) -> domain.SendResult:
        channel = self._deliveries.channels.get(attempt.channel)
        if channel is None:
            _log.error("channel_not_configured", channel=attempt.channel)
            return domain.SendResult(domain.SendResultKind.TECHNICAL)
        return await channel.send(self._deliveries.compose(attempt, self._clock.now()))

    async def _recorded(self, results: Mapping[UUID, domain.SendResult]) -> bool:
        try:
            async with self._database.transaction() as session:
                now = self._clock.now()
                settled = await handlers.settle(session, results, times=self._deliveries.times, now=now)
                await self._deliveries.on_settled(session, settled, now)
        except Exception as error:  # noqa: BLE001 -- the message is out: if its result is lost, it is sent again
            _report("outcome_waits", error)
            return False
        _measure(settled, now)
        return True


@asynccontextmanager
async def keep_heartbeat(database: Database, worker: int, wake: asyncio.Event) -> AsyncIterator[Heartbeat]:
    """Hold the lock of `worker`; `wake` is set when deliveries are enqueued, and when the connection is lost.

    PostgreSQL releases the lock when the connection ends, even by a kill; so other processes notice. A process that
    lost only this connection comes back as the same worker, so that it keeps its current attempts.
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
            await driver.add_listener(handlers.DUE, heard)
            yield heartbeat
        finally:
            driver.remove_termination_listener(ended)
            # Never returned to the pool: the lock and the listener end with the connection.
            await connection.invalidate()


def _report(event: str, error: Exception) -> None:
    """Log a transient error as a warning, any other with its traceback."""
    report = _log.warning if is_transient(error) else _log.exception
    report(event, error=class_of(error))


def _measure(settled: Sequence[domain.Settled], now: datetime) -> None:
    for item in settled:
        metrics.MAIL_ATTEMPTS.labels(item.channel, item.result.value).inc()
        if item.result is domain.SendResultKind.ACCEPTED and item.kind is domain.DeliveryKind.ALERT:
            metrics.ALERT_SECONDS.observe(max((now - item.asked_at).total_seconds(), 0.0))
