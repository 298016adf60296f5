"""The relay: publishes what the outbox holds, in order, at least once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.db.database import Database
from shared.messaging.log import EventLog
from shared.messaging.outbox import Outbox


class PublishedEvent(NamedTuple):
    """What `on_published` is told of an event that the log has taken."""

    topic: str
    type: str
    subject: UUID


OnPublished = Callable[[AsyncSession, Sequence[PublishedEvent], datetime], Awaitable[None]]


class Relay:
    """Publishes the outbox of one service; a role."""

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

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop`."""
        raise NotImplementedError

    async def drain(self) -> int:
        """Publish everything that waits now; returns how many events that was."""
        raise NotImplementedError
