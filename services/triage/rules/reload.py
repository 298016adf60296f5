"""The rule book in use, and its file: a valid change is loaded; an invalid one is refused and the book stays."""

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
    """A change of the file that was refused."""

    at: datetime
    mistake: RuleBookRefused


class RunningBook:
    """Holds the book in use; `look` loads the file again if it changed.

    Raises:
        RuleBookRefused: the first book has a mistake, so there is no book to decide by.
    """

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self.text = read_text(path)
        self.book = parse(self.text)
        self.loaded_at = now
        self.refusal: Refusal | None = None
        self._seen: str | None = self.text
        """The file's text at the last check; None if it could not be read."""

    def __call__(self) -> RuleBook:
        """Return the book in use."""
        return self.book

    def look(self, now: datetime) -> None:
        """Load the file if it has changed since the last check; if it has a mistake, the book in use stays.

        The text itself is compared, because two quick writes can leave the file with the same modification time.
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
    """Checks the file regularly. It runs in every process that routes reports."""

    kind = "consumer"
    name = "triage-rulebook"
    unready_because: str | None = None

    def __init__(self, running: RunningBook, clock: Clock, every: timedelta = LOOK_EVERY) -> None:
        self._running = running
        self._clock = clock
        self._every = every.total_seconds()

    async def run(self, stop: asyncio.Event) -> None:
        """Check until `stop`. A refused book does not make the process unready: the book in use stays."""
        while not stop.is_set():
            self._running.look(self._clock.now())
            await wait_for_stop(stop, self._every)


def _code(rule: str) -> str:
    """Return a rule's name for logs, without spaces."""
    return rule.strip("()").replace(" ", "_")


@dataclass(frozen=True, kw_only=True)
class RuleParts(Parts):
    """What the rules routes need besides the parts of every service."""

    rules: RunningBook


async def _viewer(principal: Annotated[Principal, requires(Permission.SEE_RULES)]) -> Viewer:
    return Viewer.of(principal)


async def _running(request: Request, now: Now) -> RunningBook:
    running = parts_of(request, RuleParts).rules
    running.look(now)  # a process that only serves pages runs no `BookWatch`
    return running


ReaderDep = Annotated[Viewer, Depends(_viewer)]
"""A person who may read the rules; that says nothing about which cases they may see."""
Running = Annotated[RunningBook, Depends(_running)]
"""The book in use, and the state of its file."""
