"""Handles a batch in one transaction: each event once, in order. Only an event that fails becomes a dead letter."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from opentelemetry import context
from opentelemetry.propagate import extract
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.db.database import Database
from shared.events.envelope import Envelope, Event
from shared.ids import Ids
from shared.messaging import dead_letters, inbox
from shared.messaging.faults import class_of, is_transient
from shared.messaging.log import ReceivedRecord
from shared.messaging.outbox import Outbox
from shared.messaging.reader import Item, Reader, Tombstone
from shared.observability import metrics

_log = structlog.get_logger()

Handler = Callable[[AsyncSession, Sequence[Envelope[Any]], datetime], Awaitable[None]]
"""Handles events of one type, at most one per key, in the batch's transaction. Any: each handler names its own type."""
TombstoneHandler = Callable[[AsyncSession, Sequence[Tombstone], datetime], Awaitable[None]]

_CHECK_NOW = text("do 'begin set constraints all immediate; set constraints all deferred; end'")
"""Checks deferred constraints now, because a failed commit would not say which event caused it."""
_NOT_BELIEVED = frozenset({"UntrustedSource", "UnexpectedTopic"})


class PredecessorMissing(Exception):
    """An event waited too long for the one before it. A replay applies it all the same."""


class TooManyDeadLetters(Exception):
    """So many records fail that the cause cannot be the records; the message names the error classes."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """Stop when more than `share` of the recent records, at least `at_least` of them, cannot be handled."""

    share: float = 0.2
    at_least: int = 50
    window: int = 500


class DeadLetterCounter:
    """Counts dead letters among the most recent records of one consumer."""

    def __init__(self, limit: DeadLetterLimit) -> None:
        self._limit = limit
        self._recent: deque[tuple[int, int]] = deque()

    def check(self, records: int, failed: Collection[Item]) -> None:
        """Check a batch before it is committed.

        Raises:
            TooManyDeadLetters: this batch exceeds the limit.
        """
        total = records + sum(count for count, _ in self._recent)
        bad = len(failed) + sum(count for _, count in self._recent)
        if failed and total >= self._limit.at_least and bad > self._limit.share * total:
            classes = ", ".join(name for name, _ in Counter(str(item.error) for item in failed).most_common(3))
            raise TooManyDeadLetters(f"{bad} of the {total} most recent records failed ({classes})")

    def count(self, records: int, failed: int) -> None:
        """Remember a committed batch."""
        self._recent.append((records, failed))
        while sum(count for count, _ in self._recent) - self._recent[0][0] >= self._limit.window:
            self._recent.popleft()


@dataclass(slots=True)
class BatchResult:
    """What happened to the items of a batch."""

    handled: list[Item] = field(default_factory=list)
    skipped: list[Item] = field(default_factory=list)
    duplicates: int = 0
    deferred: list[Item] = field(default_factory=list)
    failed: list[Item] = field(default_factory=list)


class BatchHandler:
    """Handles the records that one consumer group reads, in the group's database.

    Args:
        group: the consumer group.
        reader: reads the records.
        handlers: event type → handler; other types are skipped.
        on_tombstone: handles tombstones; without it they are skipped.
        ordered: whether an event waits for its predecessor.
        limit: how many records may fail before the consumer stops.
        database: where effects, inbox and dead letters are stored.
        outbox: takes the events about dead letters.
        clock: gives the time of a batch.
        ids: names dead letters.
    """

    def __init__(  # noqa: PLR0913 -- the consumer hands on what the wiring names once
        self,
        group: str,
        *,
        reader: Reader,
        handlers: Mapping[type[Event], Handler],
        on_tombstone: TombstoneHandler | None,
        ordered: bool,
        limit: DeadLetterLimit,
        database: Database,
        outbox: Outbox,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._group = group
        self._reader = reader
        self._handlers: dict[object, Callable[..., Awaitable[None]]] = dict(handlers.items())
        if on_tombstone is not None:
            self._handlers[Tombstone] = on_tombstone
        self._ordered = ordered
        self._recent = DeadLetterCounter(limit)
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._ids = ids

    async def handle(self, records: Sequence[ReceivedRecord]) -> None:
        """Handle one batch.

        Raises:
            TooManyDeadLetters: nothing was committed, and the consumer must stop.
            Exception: a transient fault (see `faults`); nothing was committed.
        """
        began = time.perf_counter()
        now = self._clock.now()
        async with self._database.transaction() as session:
            result = await self._apply(session, [self._reader.read(record) for record in records], now)
            self._recent.check(len(records), result.failed)
            await self._record_dead_letters(session, result.failed, now)
        self._recent.count(len(records), len(result.failed))
        _report(self._group, len(records), result, time.perf_counter() - began)

    async def replay_known_versions(self) -> None:
        """Request the replay of events whose version an older reader did not know."""
        async with self._database.transaction() as session:
            await dead_letters.request_known_versions(session, self._group, self._reader.known, self._clock.now())

    async def upkeep(self, deferred_for: timedelta) -> int:
        """Replay or discard dead letters on request, and give up on events deferred longer than `deferred_for`.

        Returns the number of those events.
        """
        now = self._clock.now()
        async with self._database.transaction() as session:
            asked = await dead_letters.claim(session, self._group)
            if asked:
                await self._settle(session, asked, now)
            overdue = await inbox.take_overdue(session, self._group, now - deferred_for)
            await self._record_dead_letters(session, [self._given_up(record) for record in overdue], now)
        return len(asked) + len(overdue)

    async def _settle(
        self, session: AsyncSession, asked: Sequence[tuple[dead_letters.DeadLetter, ReceivedRecord]], now: datetime
    ) -> None:
        """Apply the letters to replay, note the ones to discard as handled, and close both."""
        replayed = {letter: self._read_again(letter, record) for letter, record in asked if letter.action == "replayed"}
        discarded = [self._reader.read(record) for letter, record in asked if letter.action == "discarded"]
        await inbox.note(session, self._group, [item for item in discarded if _fills_its_place(item)], now)
        result = await self._apply(session, list(replayed.values()), now)
        failures = [(letter, item.error) for letter, item in replayed.items() if item.error]
        await dead_letters.note_failures(session, failures, now)
        failed = {letter.id for letter, _ in failures}
        await dead_letters.settle(
            session, [letter for letter, _ in asked if letter.id not in failed], now, outbox=self._outbox
        )
        again = set(replayed.values())
        await self._record_dead_letters(session, [item for item in result.failed if item not in again], now)
        _log.info("dead_letters_settled", group=self._group, settled=len(asked) - len(failed), failed=len(failed))

    def _read_again(self, letter: dead_letters.DeadLetter, record: ReceivedRecord) -> Item:
        item = self._reader.read(record)
        item.forced = letter.error_class == PredecessorMissing.__name__
        return item

    def _given_up(self, record: ReceivedRecord) -> Item:
        return Item(record, message=self._reader.read(record).message, error=PredecessorMissing.__name__)

    async def _record_dead_letters(self, session: AsyncSession, items: Sequence[Item], now: datetime) -> None:
        if not items:
            return
        await dead_letters.record(session, self._group, items, now, outbox=self._outbox, ids=self._ids)
        for item in items:
            _log.warning(
                "dead_letter_recorded", group=self._group, error=item.error, **item.received.position._asdict()
            )

    async def _apply(self, session: AsyncSession, items: Sequence[Item], now: datetime) -> BatchResult:
        """Apply `items`, and the deferred events that waited for one of them."""
        result = BatchResult()
        if items:
            await self._apply_once(session, items, now, result)
        while ready := await self._take_ready(session):
            await self._apply_once(session, ready, now, result)
        return result

    async def _take_ready(self, session: AsyncSession) -> list[Item]:
        if not self._ordered:
            return []
        return [self._reader.read(record) for record in await inbox.take_ready(session, self._group)]

    async def _apply_once(
        self, session: AsyncSession, items: Sequence[Item], now: datetime, result: BatchResult
    ) -> None:
        result.failed += [item for item in items if item.error]
        readable = [item for item in items if not item.error]
        new = await inbox.note(session, self._group, _firsts(readable), now)
        fresh = [item for item in _firsts(readable) if item.identity in new]
        deferred = await self._call_handlers(session, fresh, now)
        failed = [item for item in fresh if item.error]
        await inbox.forget(session, self._group, [*deferred, *failed])
        await inbox.defer(session, self._group, deferred, now)
        waits = set(deferred)
        settled = [item for item in fresh if not item.error and item not in waits]
        result.handled += [item for item in settled if item.event is not None]
        result.skipped += [item for item in settled if item.event is None]
        result.duplicates += len(readable) - len(fresh)
        result.deferred += deferred
        result.failed += failed

    async def _call_handlers(self, session: AsyncSession, fresh: Sequence[Item], now: datetime) -> list[Item]:
        """Call the handlers round by round, and return the items whose predecessor is missing."""
        deferred: list[Item] = []
        done = await self._handled_before(session, fresh)
        for items in _rounds(fresh):
            ready = [item for item in items if self._may_go(item, done)]
            deferred += [item for item in items if not self._may_go(item, done)]
            for call in _by_kind(ready):
                await self._call(session, call, now)
            done |= {(item.aggregate, item.sequence) for item in ready if item.sequence and not item.error}
        return deferred

    async def _handled_before(self, session: AsyncSession, fresh: Sequence[Item]) -> set[inbox.EventPosition]:
        """Return the predecessors that earlier batches have handled."""
        if not self._ordered:
            return set()
        here = {(item.aggregate, item.sequence) for item in fresh}
        wanted = {(item.aggregate, item.sequence - 1) for item in fresh if item.sequence and item.sequence > 1}
        return await inbox.handled(session, self._group, wanted - here)

    def _may_go(self, item: Item, done: set[inbox.EventPosition]) -> bool:
        if not self._ordered or item.forced or item.sequence is None or item.sequence == 1:
            return True
        return (item.aggregate, item.sequence - 1) in done

    async def _call(self, session: AsyncSession, call: Sequence[Item], now: datetime) -> None:
        """Call the handler in a savepoint; if it fails, split the call in halves until the faulty event is alone."""
        handler = self._handlers.get(call[0].kind)
        if handler is None:
            return
        try:
            with _continued_trace([item.event for item in call]):
                async with session.begin_nested():
                    await handler(session, [item.event for item in call], now)
                    await session.execute(_CHECK_NOW)
        except Exception as error:
            if is_transient(error):
                raise
            if len(call) == 1:
                call[0].error = class_of(error)
                return
        else:
            return
        middle = len(call) // 2
        await self._call(session, call[:middle], now)
        await self._call(session, call[middle:], now)


def _firsts(items: Sequence[Item]) -> list[Item]:
    """Return `items` without repeats of an event in the same batch."""
    found: dict[tuple[str, str], Item] = {}
    for item in items:
        found.setdefault(item.identity, item)
    return list(found.values())


def _rounds(items: Iterable[Item]) -> list[list[Item]]:
    """Split `items` so that the nth event of each key is in the nth round, so that a key's events keep their order."""
    cut: list[list[Item]] = []
    seen: Counter[bytes | str] = Counter()
    for item in items:
        depth = seen[item.key]
        seen[item.key] += 1
        if depth == len(cut):
            cut.append([])
        cut[depth].append(item)
    return cut


def _by_kind(items: Sequence[Item]) -> Iterable[list[Item]]:
    """Split a round into handler calls, one for each event type."""
    calls: dict[object, list[Item]] = defaultdict(list)
    for item in items:
        calls[item.kind].append(item)
    return calls.values()


@contextmanager
def _continued_trace(events: Sequence[Envelope[Event] | Tombstone | None]) -> Iterator[None]:
    """Continue the trace of `events` in the handler, if they all share one; a mixed call has none.

    Events that the handler appends to the outbox belong to the same trace.
    """
    parents = {event.traceparent if isinstance(event, Envelope) else None for event in events}
    parent = parents.pop() if len(parents) == 1 else None
    token = context.attach(extract({"traceparent": parent})) if parent else None
    try:
        yield
    finally:
        if token is not None:
            context.detach(token)


def _fills_its_place(item: Item) -> bool:
    """Return whether a discarded record counts as handled in its sequence."""
    return item.message is not None and item.error not in _NOT_BELIEVED


def _report(group: str, records: int, result: BatchResult, seconds: float) -> None:
    for event_type, count in Counter(item.message.type for item in result.handled if item.message).items():
        metrics.EVENTS_HANDLED.labels(group, event_type).inc(count)
    metrics.EVENTS_REPEATED.labels(group).inc(result.duplicates)
    metrics.EVENTS_SKIPPED.labels(group).inc(len(result.skipped))
    metrics.EVENTS_DEFERRED.labels(group).inc(len(result.deferred))
    for item in result.failed:
        metrics.DEAD_LETTERS.labels(group, item.error).inc()
    metrics.BATCH_SECONDS.labels(group).observe(seconds)
    _log.info(
        "batch_handled",
        group=group,
        records=records,
        handled=len(result.handled),
        skipped=len(result.skipped),
        duplicates=result.duplicates,
        parked=len(result.deferred),
        dead_lettered=len(result.failed),
        seconds=round(seconds, 4),
    )
