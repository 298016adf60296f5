"""Live figures by server-sent events: what changed, signs of life, and an end that is said."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime, timedelta
from typing import cast

import orjson
import structlog
from fastapi import Request
from fastapi.sse import format_sse_event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.triage.operations import queries
from services.triage.operations.dependencies import read
from services.triage.operations.fragments import Fragments, clock
from services.triage.operations.lag import LagReader
from shared.clock import Clock
from shared.db.database import Database
from shared.db.sweep import wait_for_stop
from shared.serving import STOPPING

_log = structlog.get_logger()

LOOK_EVERY = 2.0
"""Seconds between looks whether anything changed."""
LOOK_AT_ALL_EVERY = timedelta(seconds=30)
"""Ages grow although nothing happens."""
MOST_STREAMS = 20
"""At once, in one process: a dashboard is for a few people, and each costs a look every two seconds."""
_AWAY = (DBAPIError, PoolTimeout, OSError)


class TooManyStreams(Exception):
    """As many people look on as this process serves; the page works without."""


class LiveFigures:
    """Every stream of one process."""

    def __init__(self, *, every: float = LOOK_EVERY, most: int = MOST_STREAMS) -> None:
        self._every = every
        self._most = most
        self.open_now = 0
        self.looks = 0
        """How often any stream has looked and sent what it saw."""

    def open(
        self, request: Request, keys: Collection[str], days: int, fragments: Fragments, until: datetime | None
    ) -> AsyncIterator[bytes]:
        """Return the events for one person, until their session ends or the process stops.

        Raises:
            TooManyStreams: no more are served.
        """
        if self.open_now >= self._most:
            raise TooManyStreams
        return self._counted(_Stream(request, keys, days, fragments), until)

    async def _counted(self, stream: "_Stream", until: datetime | None) -> AsyncIterator[bytes]:
        self.open_now += 1
        try:
            async for event in stream.events(until, self._every):
                yield event
                self.looks += 1
        finally:
            self.open_now -= 1


class _Stream:
    def __init__(self, request: Request, keys: Collection[str], days: int, fragments: Fragments) -> None:
        state = request.app.state
        self._request = request
        self._database = cast(Database, state.database)
        self._clock = cast(Clock, state.clock)
        self._lag = cast(LagReader, state.lag)
        self._stopping = cast(asyncio.Event, getattr(request.state, STOPPING, None) or asyncio.Event())
        self._keys = keys
        self._days = days
        self._fragments = fragments
        self._sent: dict[str, str] = {}
        self._seen: object = None
        self._looked_at: datetime | None = None

    async def events(self, until: datetime | None, every: float) -> AsyncIterator[bytes]:
        """Yield what changed at each look, and a sign of life where nothing did."""
        while not self._stopping.is_set():
            now = self._clock.now()
            if until and now >= until:
                yield format_sse_event(event="over", data_str=orjson.dumps({"why": "session"}).decode())
                return
            try:
                changed = await self._changed(now)
            except _AWAY:
                _log.warning("live_figures_wait")
            else:
                said = {"at": clock(now), "fragments": changed} if changed else {"at": clock(now)}
                yield format_sse_event(event="figures" if changed else "alive", data_str=orjson.dumps(said).decode())
            await wait_for_stop(self._stopping, every)

    async def _changed(self, now: datetime) -> Mapping[str, str]:
        async with self._database.transaction() as session:
            seen = (await queries.version(session), (await self._lag.current()).behind)
        if seen == self._seen and not self._is_due(now):
            return {}
        async with self._database.transaction() as session:
            shown = await read(self._request, session, self._keys, self._days)
        self._seen, self._looked_at = seen, now  # not before: a look that failed is none
        drawn = {place: str(inside) for place, inside in self._fragments.of(shown).items()}
        changed = {place: inside for place, inside in drawn.items() if self._sent.get(place) != inside}
        self._sent |= changed
        return changed

    def _is_due(self, now: datetime) -> bool:
        return self._looked_at is None or now - self._looked_at >= LOOK_AT_ALL_EVERY
