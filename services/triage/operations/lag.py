"""How far the readers of the event log are behind, asked now and then and not for every page."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from shared.clock import Clock
from shared.events.topics import GROUPS
from shared.messaging.log import EventLog, LogUnavailable

_log = structlog.get_logger()

FRESH_FOR = timedelta(seconds=5)
_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Lag:
    """What the log said last."""

    at: datetime
    behind: Mapping[str, int] | None
    """Group → records it has not read; a group that has never read is missing. None: the log did not answer."""


class LagReader:
    """Asks the log, and remembers the answer for some seconds."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._last: Lag | None = None
        self._asking = asyncio.Lock()

    async def current(self) -> Lag:
        """Return an answer that is not older than some seconds; one question at a time goes to the log."""
        async with self._asking:
            now = self._clock.now()
            if self._last is None or now - self._last.at >= FRESH_FOR:
                self._last = Lag(now, await self._ask())
            return self._last

    async def _ask(self) -> Mapping[str, int] | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._log.behind(list(GROUPS))
        except (LogUnavailable, TimeoutError):
            _log.warning("lag_not_known")
            return None
