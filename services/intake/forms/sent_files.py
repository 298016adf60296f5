"""What becomes of a form's files once its report is sent: each becomes evidence, or its sender is told why not.

A task of the process adds them, and goes on when its sender has left. It holds a lease in the draft and renews it: so
each process knows whether a file is being added, and after a kill knows within seconds that none is. What cannot be
added now is tried again for as long as the draft is there. Whether a file was added, evidence alone says.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple, TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence import domain
from services.intake.evidence.attachments import attach_upload
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import WAITS, Adder, FileRefused, Said
from services.intake.evidence.handlers import NewUpload, Upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.queries import removals
from services.intake.evidence.uploads import append, begin, waiting
from services.intake.forms.domain import CUT, GONE, Draft, DraftFile
from services.intake.forms.handlers import keep_sent, lock_draft
from shared.ids import ReportId

PATIENCE = 4.0
"""Seconds that the sender waits for it: a few pictures are usually added by then."""
STOPS_WITHIN = 5.0
"""Seconds that a process that stops waits for it. What it leaves can be added later."""
LEASE = timedelta(seconds=30)
"""How long a process may add the files of a draft since it last renewed its lease."""
HEARTBEAT = 10.0
"""Seconds after which it renews the lease."""
PAUSE, LONGEST_PAUSE = 10.0, 300.0
"""Seconds until what could not be added is tried again: twice as many each time."""
_log = structlog.get_logger()
Round: TypeAlias = Callable[[], Coroutine[None, None, bool]]
"""Adds what is left of a draft, and returns whether some of it is to be tried again."""


class State(StrEnum):
    """What became of a file of a report that is sent."""

    ADDED = "added"
    ADDING = "adding"
    REFUSED = "refused"
    LEFT = "left"
    """No process adds it, and it can be added."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of a report that is sent, and what became of it."""

    file: DraftFile
    state: State


class Adding:
    """The tasks of this process that add files: one for each draft, by its cookie."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}

    def start(self, cookie: str, work: Round, tries: int = 0) -> None:
        """Add files from now on, whatever becomes of the request, unless a task does; try again later what is left."""
        if cookie in self._tasks:
            return
        if later := self._later.pop(cookie, None):
            later.cancel()
        self._tasks[cookie] = task = asyncio.create_task(work())
        task.add_done_callback(partial(self._ended, cookie, work, tries))

    def _ended(self, cookie: str, work: Round, tries: int, task: asyncio.Task[bool]) -> None:
        del self._tasks[cookie]
        if task.cancelled():
            return
        if error := task.exception():
            _log.error("files_not_added", exc_info=error)
        elif task.result():
            pause = min(PAUSE * 2**tries, LONGEST_PAUSE)
            again = partial(self.start, cookie, work, tries + 1)
            self._later[cookie] = asyncio.get_running_loop().call_later(pause, again)

    async def wait(self, cookie: str) -> None:
        """Wait a moment until the files of a draft are added; return at once if this process adds none."""
        if task := self._tasks.get(cookie):
            await asyncio.wait({task}, timeout=PATIENCE)

    async def close(self) -> None:
        """Let what runs go on for a moment, then end it; try nothing again."""
        self._try_nothing_again()
        if self._tasks:
            _, late = await asyncio.wait({*self._tasks.values()}, timeout=STOPS_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._try_nothing_again()

    def _try_nothing_again(self) -> None:
        for later in self._later.values():
            later.cancel()
        self._later.clear()


@dataclass(frozen=True, kw_only=True)
class AttachmentParts(EvidenceParts):
    """What adds the files of a form needs besides the parts of evidence."""

    adding: Adding = field(default_factory=Adding)


class _Left(NamedTuple):
    """The files that this process is to add now."""

    adder: Adder
    files: Sequence[DraftFile]


async def sent_files(session: AsyncSession, draft: Draft, now: datetime) -> Sequence[SentFile]:
    """Return what became of each file of a draft that was sent, but for those that are no longer kept."""
    kept = await removals(session, [file.evidence_id for file in draft.files]) if draft.files else {}
    waits = State.ADDING if draft.adding_until and draft.adding_until > now else State.LEFT

    def state(file: DraftFile) -> State:
        if file.evidence_id in kept:
            return State.ADDED
        return State.REFUSED if file.refused else waits

    return [SentFile(file, state(file)) for file in draft.files if not kept.get(file.evidence_id)]


async def add_files(parts: AttachmentParts, cookie: str | None) -> None:
    """Add the files of a report that was sent, unless a process does, and wait a moment for it.

    A file that was added before stays one piece of evidence.
    """
    if cookie:
        parts.adding.start(cookie, partial(_add, parts, cookie))
        await parts.adding.wait(cookie)


async def _add(parts: AttachmentParts, cookie: str) -> bool:
    """Add what is left of a draft; return whether some of it is to be tried again."""
    try:
        left = await _take_lease(parts, cookie)
        return left is not None and await _add_each(parts, cookie, left)
    except (SQLAlchemyError, OSError) as error:
        _log.warning("files_not_added_for_now", exc_info=error)
        return True


async def _take_lease(parts: AttachmentParts, cookie: str) -> _Left | None:
    """Take the lease of a draft for what is left of it; return None if nothing is, or another process has the lease."""
    async with parts.database.transaction() as session:
        now = parts.clock.now()
        draft = await lock_draft(session, cookie, now)
        if not draft or not draft.sent or not draft.sent.report_id:
            return None
        left = [one.file for one in await sent_files(session, draft, now) if one.state is State.LEFT]
        if left:
            await keep_sent(session, cookie, replace(draft, adding_until=now + LEASE))
        return _Left(Adder(ReportId(draft.sent.report_id)), left) if left else None


async def _add_each(parts: AttachmentParts, cookie: str, left: _Left) -> bool:
    heartbeat, again = asyncio.create_task(_renew_lease(parts, cookie)), False
    try:
        for file in left.files:
            sent = await _added(parts, file, left.adder)
            again |= sent.state is State.LEFT
            if sent.state is State.REFUSED:
                await _keep_change(parts, cookie, _with(sent.file))
    finally:
        heartbeat.cancel()
        await _keep_change(parts, cookie, _leased(None))
    return again


async def _renew_lease(parts: AttachmentParts, cookie: str) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT)
        with suppress(SQLAlchemyError, OSError):  # the pool may be full: its error is no DBAPIError
            await _keep_change(parts, cookie, _leased(parts.clock.now() + LEASE))


async def _keep_change(parts: AttachmentParts, cookie: str, change: Callable[[Draft], Draft]) -> None:
    """Keep a change of a draft that was sent, unless its sender has removed it meanwhile."""
    async with parts.database.transaction() as session:
        if draft := await lock_draft(session, cookie, parts.clock.now()):
            await keep_sent(session, cookie, change(draft))


def _leased(until: datetime | None) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, adding_until=until)


def _with(refused: DraftFile) -> Callable[[Draft], Draft]:
    def change(draft: Draft) -> Draft:
        files = (refused if file.evidence_id == refused.evidence_id else file for file in draft.files)
        return replace(draft, files=tuple(files))

    return change


async def _added(parts: EvidenceParts, file: DraftFile, adder: Adder) -> SentFile:
    """Make evidence of a file; return what became of it, with what to do about it if it is refused."""
    try:
        upload = await waiting(parts, file.token) if file.token else await _written(parts, file, adder)
        await attach_upload(parts, replace(upload, said=replace(upload.said, link=file.link)), adder)
    except (StoreUnavailable, domain.TooMuchWaiting) as error:
        _log.warning("file_not_attached_for_now", exc_info=error)
        return SentFile(file, State.LEFT)
    except (FileRefused, domain.UploadNotFound, domain.UploadIncomplete) as refused:
        return SentFile(replace(file, refused=_words(refused)), State.REFUSED)
    except Exception as error:  # noqa: BLE001 - the others are added all the same, and this one is tried again
        _log.error("file_not_attached", exc_info=error)
        return SentFile(file, State.LEFT)
    return SentFile(file, State.ADDED)


def _words(refused: Exception) -> str:
    if isinstance(refused, FileRefused):
        return refused.words
    return GONE if isinstance(refused, domain.UploadNotFound) else CUT


async def _written(parts: EvidenceParts, file: DraftFile, adder: Adder) -> Upload:
    """Return words as an upload."""
    content = (file.text or "").encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    said = Said(name=file.name, link=file.link)
    new = NewUpload(evidence_id=file.evidence_id, said=said, length=len(content), waits=WAITS, adder=adder)
    return await append(parts, await begin(parts, new), chunks())
