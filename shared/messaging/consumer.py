"""The batch consumer: polls a log, handles each event once, one transaction a batch."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.db.database import Database
from shared.events.envelope import Envelope, Event
from shared.events.topics import Topic
from shared.ids import Ids
from shared.messaging.log import EventLog
from shared.messaging.outbox import Outbox

Handler = Callable[[AsyncSession, Sequence[Envelope[Any]], datetime], Awaitable[None]]
"""Handles events of one type, at most one per key, in the batch's transaction. Any: each handler names its own type."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The state of a key was disposed of."""

    topic: str
    key: bytes


TombstoneHandler = Callable[[AsyncSession, Sequence[Tombstone], datetime], Awaitable[None]]


class BatchConsumer:
    """Consumes `topics` as a member of `group`; a role."""

    kind = "consumer"

    def __init__(
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
    ) -> None:
        self.name = group
        self.unready_because: str | None = "not started"

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`."""
        raise NotImplementedError

    async def wait_until_caught_up(self) -> None:
        """Wait until everything that was in the log when this consumer started has been handled."""
        raise NotImplementedError

    async def drain(self) -> int:
        """Handle everything that is in the log now; returns how many records that was."""
        raise NotImplementedError
