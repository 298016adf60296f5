"""Live figures by server-sent events: what changed, a keep-alive if nothing did, and an event when the stream ends."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import structlog
from fastapi.sse import format_sse_event
from jinja2 import Environment
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.triage.cases.access import Viewer
from services.triage.cases.views import duration
from services.triage.deadlines.domain import UK
from services.triage.operations import queries
from services.triage.operations.api import FigureParts, count_work, read
from services.triage.operations.dashboard import Asked, Dashboard
from shared.auth.permissions import Session
from shared.db.sweep import wait_for_stop
from shared.web.dead_letters import address_of

_log = structlog.get_logger()

TOP = "top"
LOOK_EVERY = 2.0
"""Seconds between checks for changes."""
LOOK_AT_ALL_EVERY = timedelta(seconds=30)
"""The page is redrawn after this time even if nothing happens, because ages grow."""
COUNT_EVERY = timedelta(minutes=5)
"""Campaigns and second reviews are counted no oftener: that reads thousands of rows."""
MOST_STREAMS = 20
"""Streams at once in one process: a dashboard is for a few people, and each stream costs a query every two seconds."""
MOST_OF_ONE_PERSON = 2
"""A page and its copy in another window; a third gets none, so that no one takes all."""
_UNAVAILABLE = (DBAPIError, PoolTimeout, OSError)


def clock(moment: datetime) -> str:
    """Return a time of today to the second: `10:40:12am`."""
    return f"{moment.astimezone(UK):%I:%M:%S%p}".lstrip("0").lower()


@dataclass(frozen=True, slots=True)
class Fragments:
    """Renders the parts of the page that change. A person who may settle dead letters gets links to them."""

    environment: Environment
    operates: bool

    def of(self, shown: Dashboard) -> Mapping[str, Markup]:
        """Return the content of each part, by the id of its element."""
        words = {"duration": duration, "timedelta": timedelta}
        top = self.environment.get_template("operations/top.html").render(top=shown.top, **words)
        panel = self.environment.get_template("operations/panel.html")
        letters = shown.letters if self.operates else ()
        drawn = {TOP: Markup(top)}  # noqa: S704 -- drawn by a template, which escapes
        for one in shown.panels:
            inside = panel.render(
                panel=one, asked=shown.asked, letters=letters, address_of=address_of, operates=self.operates
            )
            drawn[one.id] = Markup(inside)  # noqa: S704 -- as above
        return drawn


class TooManyStreams(Exception):
    """This process serves no more streams, or no more to this person; the page works without one."""


@dataclass(frozen=True, slots=True)
class View:
    """What one person sees: their cases, what they asked for, and how it is rendered."""

    subject: str
    """Who the person is."""
    viewer: Viewer
    asked: Asked
    fragments: Fragments


class LiveFigures:
    """Every stream of one process."""

    def __init__(self, *, every: float = LOOK_EVERY, most: int = MOST_STREAMS) -> None:
        self._every = every
        self._most = most
        self._of_person: Counter[str] = Counter()
        self.open_now = 0
        self.looks = 0
        """How often any stream has checked for changes and sent an event."""

    def open(
        self, parts: FigureParts, view: View, session: Session | None, stop: asyncio.Event
    ) -> AsyncIterator[bytes]:
        """Return the events for one person, until their session ends or the process stops.

        Raises:
            TooManyStreams: this process serves no more, or no more to this person.
        """
        if self.open_now >= self._most or self._of_person[view.subject] >= MOST_OF_ONE_PERSON:
            raise TooManyStreams
        return self._counted(_Stream(parts, view, stop), view.subject, session)

    async def _counted(self, stream: "_Stream", subject: str, session: Session | None) -> AsyncIterator[bytes]:
        self.open_now += 1
        self._of_person[subject] += 1
        try:
            async for event in stream.events(session, self._every):
                yield event
                self.looks += 1
        finally:
            self.open_now -= 1
            self._of_person[subject] -= 1
            self._of_person += Counter()  # forgets who has none


@dataclass(frozen=True, kw_only=True)
class LiveParts(FigureParts):
    """What the operations page needs besides the parts of every service."""

    live_figures: LiveFigures


class _Stream:
    def __init__(self, parts: FigureParts, view: View, stop: asyncio.Event) -> None:
        self._parts = parts
        self._view = view
        self._stop = stop
        self._sent: dict[str, str] = {}
        self._seen: object = None
        self._work: queries.Casework | None = None
        self._counted_at: datetime | None = None
        self._drawn_at: datetime | None = None

    async def events(self, session: Session | None, every: float) -> AsyncIterator[bytes]:
        """Yield what changed at each check, or a keep-alive if nothing did."""
        while not self._stop.is_set():
            now = self._parts.clock.now()
            if session and (now >= session.expires_at or self._parts.ended.include(session)):
                yield format_sse_event(event="over", data_str=orjson.dumps({"why": "session"}).decode())
                return
            try:
                changed = await self._changed(now)
            except _UNAVAILABLE:
                _log.warning("live_figures_wait")
            else:
                said = {"at": clock(now), "fragments": changed} if changed else {"at": clock(now)}
                yield format_sse_event(event="figures" if changed else "alive", data_str=orjson.dumps(said).decode())
            await wait_for_stop(self._stop, every)

    async def _changed(self, now: datetime) -> Mapping[str, str]:
        async with self._parts.database.transaction() as session:
            seen = (await queries.version(session), (await self._parts.lag.current()).behind)
        if seen == self._seen and not self._is_due(now):
            return {}
        work, counted_at = await self._counted(now)
        async with self._parts.database.transaction() as session:
            shown = await read(self._parts, session, self._view.viewer, self._view.asked, work)
        # Only now, because a failed check does not count.
        self._seen, self._drawn_at, self._work, self._counted_at = seen, now, work, counted_at
        drawn = {place: str(inside) for place, inside in self._view.fragments.of(shown).items()}
        changed = {place: inside for place, inside in drawn.items() if self._sent.get(place) != inside}
        self._sent |= changed
        return changed

    async def _counted(self, now: datetime) -> tuple[queries.Casework, datetime]:
        if self._work and self._counted_at and now - self._counted_at < COUNT_EVERY:
            return self._work, self._counted_at
        async with self._parts.database.transaction() as session:
            return await count_work(session, self._view.viewer, self._view.asked, now), now

    def _is_due(self, now: datetime) -> bool:
        return self._drawn_at is None or now - self._drawn_at >= LOOK_AT_ALL_EVERY
