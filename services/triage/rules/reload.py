"""The book that decides now, and its file: a good change is loaded, a bad one is refused and the book stays."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import structlog
from fastapi import Depends, Request

from services.triage.cases.access import Viewer
from services.triage.routing.domain import RuleBook
from services.triage.routing.rulebook import RuleBookRefused, parse, read_text
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.clock import Clock
from shared.db.sweep import wait_for_stop
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now

_log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change of the file that was not taken."""

    at: datetime
    mistake: RuleBookRefused


class RunningBook:
    """Gives the book that decides; `look` loads what the file has become.

    Raises:
        RuleBookRefused: the first book has a mistake: without one nothing can be decided.
    """

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self.text = read_text(path)
        self.book = parse(self.text)
        self.loaded_at = now
        self.refusal: Refusal | None = None
        self._seen: str | None = self.text
        """What the file held when it was last looked at; None where it could not be read."""

    def __call__(self) -> RuleBook:
        """Return the book that decides."""
        return self.book

    def look(self, now: datetime) -> None:
        """Load the file if it changed since it was last looked at; one that has a mistake changes nothing else.

        The text itself is compared: a time of change can stay the same when a file is written twice in a moment.
        """
        try:
            text = read_text(self._path)
        except RuleBookRefused as mistake:
            self._seen = None
            self._refuse(mistake, now)
            return
        if text == self._seen:
            return
        self._seen = text
        try:
            self._take(text, parse(text), now)
        except RuleBookRefused as mistake:
            self._refuse(mistake, now)

    def _take(self, text: str, book: RuleBook, now: datetime) -> None:
        self.refusal = None
        if book.digest != self.book.digest:
            self.text, self.book, self.loaded_at = text, book, now
            _log.info("rulebook_loaded", hash=book.digest)

    def _refuse(self, mistake: RuleBookRefused, now: datetime) -> None:
        if self.refusal is None or self.refusal.mistake != mistake:
            self.refusal = Refusal(now, mistake)
            _log.error("rulebook_refused", rule=_code(mistake.rule), line=mistake.line, column=mistake.column)


class BookWatch:
    """Looks at the file now and then. It runs wherever reports are routed: that is where the book decides."""

    kind = "consumer"
    name = "triage-rulebook"
    unready_because: str | None = None

    def __init__(self, running: RunningBook, clock: Clock, every: timedelta = LOOK_EVERY) -> None:
        self._running = running
        self._clock = clock
        self._every = every.total_seconds()

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`. A book that is refused is no reason to be unready: the one before it decides."""
        while not stop.is_set():
            self._running.look(self._clock.now())
            await wait_for_stop(stop, self._every)


def _code(rule: str) -> str:
    """Return a rule's name as logs take it: without spaces."""
    return rule.strip("()").replace(" ", "_")


@dataclass(frozen=True, kw_only=True)
class RuleParts(Parts):
    """What the routes of rules need beside the parts of every service."""

    rules: RunningBook


async def _viewer(principal: Annotated[Principal, requires(Permission.SEE_RULES)]) -> Viewer:
    return Viewer.of(principal)


async def _running(request: Request, now: Now) -> RunningBook:
    running = parts_of(request, RuleParts).rules
    running.look(now)  # a process that only serves pages has no role that looks
    return running


ReaderDep = Annotated[Viewer, Depends(_viewer)]
"""A person who may read the rules; which cases they may see is another matter."""
Running = Annotated[RunningBook, Depends(_running)]
"""The book that decides, and what became of its file."""
