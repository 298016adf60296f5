"""A batch in its one transaction: each event once, in order, the poisonous set aside, the others handled."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events.envelope import Envelope, Event
from shared.messaging import inbox, parking
from shared.messaging.faults import class_of, is_transient
from shared.messaging.inbox import Step
from shared.messaging.reading import Item, Reader, Tombstone
from shared.messaging.tracing import continued
from shared.messaging.waves import by_kind, waves

Handler = Callable[[AsyncSession, Sequence[Envelope[Any]], datetime], Awaitable[None]]
"""Handles events of one type, at most one per key, in the batch's transaction. Any: each handler names its own type."""
TombstoneHandler = Callable[[AsyncSession, Sequence[Tombstone], datetime], Awaitable[None]]

_CHECK_NOW = text("do 'begin set constraints all immediate; set constraints all deferred; end'")
"""Asks deferred constraints now: what only the commit refused could no longer be told from its neighbours."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch."""

    handled: list[Item] = field(default_factory=list)
    skipped: list[Item] = field(default_factory=list)
    duplicates: int = 0
    parked: list[Item] = field(default_factory=list)
    poison: list[Item] = field(default_factory=list)


class BatchHandler:
    """Applies items to the database of one group, inside the caller's transaction."""

    def __init__(
        self,
        group: str,
        reader: Reader,
        handlers: Mapping[type[Event], Handler],
        on_tombstone: TombstoneHandler | None,
        *,
        ordered: bool,
    ) -> None:
        self._group = group
        self._reader = reader
        self._handlers: dict[object, Callable[..., Awaitable[None]]] = dict(handlers.items())
        if on_tombstone is not None:
            self._handlers[Tombstone] = on_tombstone
        self._ordered = ordered

    async def apply(self, session: AsyncSession, items: Sequence[Item], now: datetime) -> Outcome:
        """Apply `items`, and whatever parked events they set free.

        Raises:
            Exception: a transient fault (see `faults`); nothing of the batch counts.
        """
        outcome = Outcome()
        if items:
            await self._apply(session, items, now, outcome)
        while freed := await self._set_free(session):
            await self._apply(session, freed, now, outcome)
        return outcome

    async def _set_free(self, session: AsyncSession) -> list[Item]:
        if not self._ordered:
            return []
        return [self._reader.read(record) for record in await parking.take_ready(session, self._group)]

    async def _apply(self, session: AsyncSession, items: Sequence[Item], now: datetime, outcome: Outcome) -> None:
        outcome.poison += [item for item in items if item.error]
        readable = [item for item in items if not item.error]
        new = await inbox.note(session, self._group, _firsts(readable), now)
        fresh = [item for item in _firsts(readable) if item.identity in new]
        parked = await self._handle(session, fresh, now)
        poison = [item for item in fresh if item.error]
        await inbox.forget(session, self._group, [*parked, *poison])
        await parking.park(session, self._group, parked, now)
        waits = set(parked)
        settled = [item for item in fresh if not item.error and item not in waits]
        outcome.handled += [item for item in settled if item.event is not None]
        outcome.skipped += [item for item in settled if item.event is None]
        outcome.duplicates += len(readable) - len(fresh)
        outcome.parked += parked
        outcome.poison += poison

    async def _handle(self, session: AsyncSession, fresh: Sequence[Item], now: datetime) -> list[Item]:
        """Call the handlers, wave by wave, and return the items whose predecessors are missing."""
        parked: list[Item] = []
        done = await self._handled_before(session, fresh)
        for wave in waves(fresh):
            ready = [item for item in wave if self._may_go(item, done)]
            parked += [item for item in wave if not self._may_go(item, done)]
            for call in by_kind(ready):
                await self._call(session, call, now)
            done |= {(item.aggregate, item.sequence) for item in ready if item.sequence and not item.error}
        return parked

    async def _handled_before(self, session: AsyncSession, fresh: Sequence[Item]) -> set[Step]:
        """Return the predecessors that earlier batches have handled."""
        if not self._ordered:
            return set()
        here = {(item.aggregate, item.sequence) for item in fresh}
        wanted = {(item.aggregate, item.sequence - 1) for item in fresh if item.sequence and item.sequence > 1}
        return await inbox.handled(session, self._group, wanted - here)

    def _may_go(self, item: Item, done: set[Step]) -> bool:
        if not self._ordered or item.forced or item.sequence is None or item.sequence == 1:
            return True
        return (item.aggregate, item.sequence - 1) in done

    async def _call(self, session: AsyncSession, call: Sequence[Item], now: datetime) -> None:
        """Call the handler in a savepoint; where it fails, halve the call until the poison stands alone."""
        handler = self._handlers.get(call[0].kind)
        if handler is None:
            return
        try:
            with continued([item.event for item in call]):
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
    """Return `items` without those whose event came earlier in the same batch."""
    found: dict[tuple[str, str], Item] = {}
    for item in items:
        found.setdefault(item.identity, item)
    return list(found.values())
