"""The batch consumer: polls a log and handles each event once, with one transaction per batch."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from shared.backoff import Backoff
from shared.clock import Clock
from shared.db.database import Database
from shared.db.sweep import wait_for_stop
from shared.events.envelope import Event
from shared.events.topics import Topic
from shared.ids import Ids
from shared.messaging.batch import BatchHandler, DeadLetterLimit, Handler, TombstoneHandler, TooManyDeadLetters
from shared.messaging.faults import class_of, is_transient
from shared.messaging.log import Batch, EventLog, Fenced, Subscription
from shared.messaging.outbox import Outbox
from shared.messaging.reader import Reader
from shared.observability import metrics

_log = structlog.get_logger()

_POLL = timedelta(milliseconds=500)
_UPKEEP_EVERY = 1.0
"""Seconds between checks for dead letters to replay or discard."""


@dataclass(frozen=True, slots=True)
class ConsumerLimits:
    """How much a consumer reads at once, how many dead letters stop it, and how long it defers events."""

    batch: int = 500
    dead_letters: DeadLetterLimit = field(default_factory=DeadLetterLimit)
    deferred_for: timedelta = timedelta(days=1)
    """An event that waits longer for its predecessor becomes a dead letter, so that an operator sees it."""


class BatchConsumer:
    """Consumes `topics` as a member of `group`; a role.

    Args:
        group: the consumer group, `signpost-<service>`.
        topics: what it reads; an event is accepted only from the services that its topic declares as writers.
        handlers: event type → handler; other types are skipped.
        database: where effects, inbox and dead letters are stored.
        log: where the events come from.
        outbox: takes the events about dead letters.
        clock: gives the time of a batch.
        ids: names dead letters.
        ordered: whether an event waits for its predecessor; a projection takes the highest sequence instead.
        on_tombstone: handles tombstones; without it they are skipped.
        after: this one starts only once that consumer has caught up.
        limits: batch size and when to stop.
        reader: reads records, if not by the handlers' types.
    """

    kind = "consumer"
    unready_because: str | None = "not started"

    def __init__(  # noqa: PLR0913 -- the wiring names every collaborator once
        self,
        group: str,
        *,
        topics: Sequence[Topic],
        handlers: Mapping[type[Event], Handler],
        database: Database,
        log: EventLog,
        outbox: Outbox,
        clock: Clock,
        ids: Ids,
        ordered: bool = True,
        on_tombstone: TombstoneHandler | None = None,
        after: "BatchConsumer | None" = None,
        limits: ConsumerLimits | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.name = group
        self._topics = [topic.name for topic in topics]
        self._event_log = log
        self._after = after
        self._limits = limits or ConsumerLimits()
        self._handler = BatchHandler(
            group,
            reader=reader or Reader(topics, handlers, tombstones=on_tombstone is not None),
            handlers=handlers,
            on_tombstone=on_tombstone,
            ordered=ordered,
            limit=self._limits.dead_letters,
            database=database,
            outbox=outbox,
            clock=clock,
            ids=ids,
        )
        self._stopped = False
        self._caught_up = asyncio.Event()
        self._goal: Mapping[tuple[str, int], int] | None = None
        self._member: Subscription | None = None
        self._upkeep_at = 0.0
        self._backoff = Backoff()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; wait while the log or the database is unavailable."""
        await self._wait_for_the_other(stop)
        while not stop.is_set() and not self._stopped:
            try:
                await self._consume(stop)
            except Exception as error:  # noqa: BLE001 -- the outermost loop: the log keeps what was not committed
                self.unready_because = f"cannot consume: {class_of(error)}"
                report = _log.warning if is_transient(error) or isinstance(error, Fenced) else _log.exception
                report("consumer_waits", group=self.name, error=class_of(error))
                await wait_for_stop(stop, self._backoff.next())
            finally:
                await self.close()
        await stop.wait()

    async def wait_until_caught_up(self) -> None:
        """Wait until everything that was in the log when this consumer started has been handled."""
        await self._caught_up.wait()

    async def drain(self) -> int:
        """Handle everything in the log now, settle the requested dead letters, and return the number of both."""
        member = await self._joined()
        done = await self._handler.upkeep(self._limits.deferred_for)
        while not self._stopped:
            batch = await member.poll(self._limits.batch, timedelta(milliseconds=20))
            done += len(batch.records)
            await self._handle(member, batch, asyncio.Event())
            if not batch.next_offsets and not any((await member.lag()).values()):
                break
        self._caught_up.set()
        return done

    async def close(self) -> None:
        """Leave the group."""
        member, self._member = self._member, None
        if member is not None:
            await member.close()

    async def _wait_for_the_other(self, stop: asyncio.Event) -> None:
        if self._after is None:
            return
        self.unready_because = f"waits for {self._after.name} to catch up"
        waits = [asyncio.ensure_future(self._after.wait_until_caught_up()), asyncio.ensure_future(stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _consume(self, stop: asyncio.Event) -> None:
        member = await self._joined()
        while not stop.is_set() and not self._stopped:
            await self._upkeep_when_due()
            batch = await member.poll(self._limits.batch, _POLL)
            metrics.CONSUMER_LAG.labels(self.name).set(len(batch.records) + batch.behind)
            await self._handle(member, batch, stop)
            await self._note_progress(member)
            self._backoff.reset()

    async def _joined(self) -> Subscription:
        if self._member is None:
            await self._handler.replay_known_versions()
            self._member = await self._event_log.subscribe(self.name, self._topics)
        return self._member

    async def _handle(self, member: Subscription, batch: Batch, stop: asyncio.Event) -> None:
        if batch.records and not await self._transact(batch, stop):
            return
        try:
            await member.commit(batch)
            self.unready_because = None
        except Fenced:
            _log.info("batch_fenced", group=self.name, records=len(batch.records))
            await member.rewind()

    async def _transact(self, batch: Batch, stop: asyncio.Event) -> bool:
        """Handle `batch` in one transaction, with as many attempts as needed; return False if the consumer gave up."""
        backoff = Backoff()
        while True:
            try:
                await self._handler.handle(batch.records)
            except TooManyDeadLetters as error:
                self._stopped = True
                self._caught_up.set()  # or a consumer that waits for this one would never start
                self.unready_because = f"stopped itself: {error}"
                _log.error("consumer_stopped_itself", group=self.name, reason=str(error))
                return False
            except Exception as error:  # noqa: BLE001 -- not the fault of one record: those were isolated
                self.unready_because = f"cannot handle a batch: {class_of(error)}"
                report = _log.warning if is_transient(error) else _log.exception
                report("batch_waits", group=self.name, error=class_of(error))
            else:
                return True
            await wait_for_stop(stop, backoff.next())
            if stop.is_set():
                return False

    async def _upkeep_when_due(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._upkeep_at:
            return
        self._upkeep_at = now + _UPKEEP_EVERY
        await self._handler.upkeep(self._limits.deferred_for)

    async def _note_progress(self, member: Subscription) -> None:
        if self._caught_up.is_set():
            return
        if self._goal is None:
            self._goal = await member.end_offsets()
        reached = await member.reached()
        if all(offset >= self._goal.get(place, 0) for place, offset in reached.items()):
            self._caught_up.set()
