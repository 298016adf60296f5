"""What a group does to its database: batches, replays, discards; each in one transaction with its dead letters."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.db.database import Database
from shared.ids import Ids
from shared.messaging import dead_letters, inbox, parking
from shared.messaging.batch import BatchHandler, Outcome
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.log import ReceivedRecord
from shared.messaging.outbox import Outbox
from shared.messaging.poison import PoisonWatch
from shared.messaging.reading import Item, Reader
from shared.messaging.setting_aside import set_aside
from shared.observability import metrics

_log = structlog.get_logger()

_NOT_BELIEVED = frozenset({"UntrustedSource", "UnexpectedTopic"})


class PredecessorMissing(Exception):
    """An event waited too long for the one before it. Replaying it applies it without."""


class GroupWork:
    """The transactions of one consumer group."""

    def __init__(
        self,
        group: str,
        *,
        reader: Reader,
        handler: BatchHandler,
        database: Database,
        outbox: Outbox,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._group = group
        self._reader = reader
        self._handler = handler
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._ids = ids

    async def handle(self, records: Sequence[ReceivedRecord], watch: PoisonWatch) -> None:
        """Handle one batch.

        Raises:
            TooMuchPoison: nothing was committed, the consumer had better stop.
        """
        began = time.perf_counter()
        now = self._clock.now()
        async with self._database.transaction() as session:
            items = [self._reader.read(record) for record in records]
            outcome = await self._handler.apply(session, items, now)
            watch.check(len(records), outcome.poison)
            await self._set_aside(session, outcome.poison, now)
        watch.count(len(records), len(outcome.poison))
        self._report(len(records), outcome, time.perf_counter() - began)

    async def replay_known_versions(self) -> None:
        """Ask for the replay of versions that an earlier reader did not know."""
        async with self._database.transaction() as session:
            await dead_letters.request_known_versions(session, self._group, self._reader.known, self._clock.now())

    async def upkeep(self, parked_for: timedelta) -> int:
        """Do what was asked of dead letters, and give up on what was parked for too long; return how much that was."""
        now = self._clock.now()
        async with self._database.transaction() as session:
            asked = await dead_letters.claim(session, self._group)
            if asked:
                await self._settle(session, asked, now)
            overdue = [Item(record) for record in await parking.take_overdue(session, self._group, now - parked_for)]
            for item in overdue:
                item.message = self._reader.read(item.received).message
                item.error = PredecessorMissing.__name__
            await self._set_aside(session, overdue, now)
        return len(asked) + len(overdue)

    async def _settle(
        self, session: AsyncSession, asked: Sequence[tuple[DeadLetter, ReceivedRecord]], now: datetime
    ) -> None:
        replayed = {letter: self._read_again(letter, record) for letter, record in asked if letter.action == "replayed"}
        discarded = [self._reader.read(record) for letter, record in asked if letter.action == "discarded"]
        await inbox.note(session, self._group, [item for item in discarded if _counts(item)], now)
        outcome = await self._handler.apply(session, list(replayed.values()), now)
        failures = [(letter, item.error) for letter, item in replayed.items() if item.error]
        await dead_letters.note_failures(session, failures, now)
        failed = {letter.id for letter, _ in failures}
        await dead_letters.settle(
            session, [letter for letter, _ in asked if letter.id not in failed], now, outbox=self._outbox
        )
        again = set(replayed.values())
        await self._set_aside(session, [item for item in outcome.poison if item not in again], now)
        _log.info("dead_letters_settled", group=self._group, settled=len(asked) - len(failed), failed=len(failed))

    def _read_again(self, letter: DeadLetter, record: ReceivedRecord) -> Item:
        item = self._reader.read(record)
        item.forced = letter.error_class == PredecessorMissing.__name__
        return item

    async def _set_aside(self, session: AsyncSession, items: Sequence[Item], now: datetime) -> None:
        if not items:
            return
        await set_aside(session, self._group, items, now, outbox=self._outbox, ids=self._ids)
        for item in items:
            _log.warning(
                "dead_letter_recorded", group=self._group, error=item.error, **item.received.position._asdict()
            )

    def _report(self, records: int, outcome: Outcome, seconds: float) -> None:
        counts = Counter(item.message.type for item in outcome.handled if item.message)
        for event_type, count in counts.items():
            metrics.EVENTS_HANDLED.labels(self._group, event_type).inc(count)
        metrics.EVENTS_REPEATED.labels(self._group).inc(outcome.duplicates)
        metrics.EVENTS_SKIPPED.labels(self._group).inc(len(outcome.skipped))
        metrics.EVENTS_PARKED.labels(self._group).inc(len(outcome.parked))
        for item in outcome.poison:
            metrics.DEAD_LETTERS.labels(self._group, item.error).inc()
        metrics.BATCH_SECONDS.labels(self._group).observe(seconds)
        _log.info(
            "batch_handled",
            group=self._group,
            records=records,
            handled=len(outcome.handled),
            skipped=len(outcome.skipped),
            duplicates=outcome.duplicates,
            parked=len(outcome.parked),
            dead_lettered=len(outcome.poison),
            seconds=round(seconds, 4),
        )


def _counts(item: Item) -> bool:
    """Say whether letting the record go fills its place in the sequence."""
    return item.message is not None and item.error not in _NOT_BELIEVED
