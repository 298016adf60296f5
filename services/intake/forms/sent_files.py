"""What becomes of a form's files once its report is sent: each becomes evidence, or its sender is told why not.

A task of the process adds them, and goes on when its sender has left. While it is at it, it says so in the draft every
few seconds: so each process knows whether a file is being added, also after one was killed. Whether a file was added,
evidence alone says.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence.attachments import attach_upload
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import WAITS, Adder, FileRefused, Said, UploadIncomplete, UploadNotFound
from services.intake.evidence.handlers import NewUpload, Upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.queries import known
from services.intake.evidence.uploads import append, begin, waiting
from services.intake.forms.domain import CUT, GONE, Draft, DraftFile
from services.intake.forms.handlers import keep_sent, lock_draft
from shared.ids import ReportId

PATIENCE = 4.0
"""Seconds that the sender waits for it: a few pictures are usually added by then."""
STOPS_WITHIN = 5.0
"""Seconds that a process that stops waits for it. What it leaves can be added later."""
_BELIEVED = timedelta(seconds=30)
"""How long a process is believed to add files since it last said so."""
_SAYS_SO_EVERY = 10.0
"""Seconds."""
_log = structlog.get_logger()


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
    """The tasks of this process that add files, each by the cookie of its draft."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, cookie: str, work: Coroutine[None, None, None]) -> None:
        """Add files from now on, whatever becomes of the request."""
        task = asyncio.create_task(work)
        self._tasks[cookie] = task

        def ended(task: asyncio.Task[None]) -> None:
            if self._tasks.get(cookie) is task:
                del self._tasks[cookie]
            if not task.cancelled() and (error := task.exception()):
                _log.error("files_not_added", exc_info=error)

        task.add_done_callback(ended)

    async def wait(self, cookie: str) -> None:
        """Wait a moment until the files of a draft are added; return at once if this process adds none."""
        if task := self._tasks.get(cookie):
            await asyncio.wait({task}, timeout=PATIENCE)

    async def close(self) -> None:
        """Let what runs go on for a moment, then end it."""
        if not self._tasks:
            return
        _, late = await asyncio.wait({*self._tasks.values()}, timeout=STOPS_WITHIN)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


@dataclass(frozen=True, kw_only=True)
class AttachmentParts(EvidenceParts):
    """What adds the files of a form needs besides the parts of evidence."""

    adding: Adding = field(default_factory=Adding)


class _Left(NamedTuple):
    """The files that this process is to add now."""

    adder: Adder
    files: Sequence[DraftFile]


async def sent_files(session: AsyncSession, draft: Draft, now: datetime) -> Sequence[SentFile]:
    """Return what became of each file of a draft that was sent."""
    kept = await known(session, [file.evidence_id for file in draft.files]) if draft.files else set()
    waits = State.ADDING if draft.adding_until and draft.adding_until > now else State.LEFT

    def state(file: DraftFile) -> State:
        if file.evidence_id in kept:
            return State.ADDED
        return State.REFUSED if file.refused else waits

    return [SentFile(file, state(file)) for file in draft.files]


async def add_files(parts: AttachmentParts, cookie: str | None) -> None:
    """Add the files of a report that was sent, unless a process is at it, and wait a moment for it.

    A file that was added before stays one piece of evidence.
    """
    if not cookie:
        return
    if left := await _take_up(parts, cookie):
        parts.adding.start(cookie, _add(parts, cookie, left))
    await parts.adding.wait(cookie)


async def _take_up(parts: AttachmentParts, cookie: str) -> _Left | None:
    """Say that this process adds what is left of a draft; return None if nothing is, or another process does."""
    async with parts.database.transaction() as session:
        now = parts.clock.now()
        draft = await lock_draft(session, cookie, now)
        if not draft or not draft.sent or not draft.sent.report_id:
            return None
        left = [one.file for one in await sent_files(session, draft, now) if one.state is State.LEFT]
        if left:
            await keep_sent(session, cookie, replace(draft, adding_until=now + _BELIEVED))
        return _Left(Adder(ReportId(draft.sent.report_id)), left) if left else None


async def _add(parts: AttachmentParts, cookie: str, left: _Left) -> None:
    says_so = asyncio.create_task(_say_so(parts, cookie))
    try:
        for file in left.files:
            if words := await _refusal(parts, file, left.adder):
                await _keep_change(parts, cookie, _refused(file, words))
    finally:
        says_so.cancel()
        await _keep_change(parts, cookie, _adds_until(None))


async def _say_so(parts: AttachmentParts, cookie: str) -> None:
    while True:
        await asyncio.sleep(_SAYS_SO_EVERY)
        with suppress(DBAPIError, OSError):
            await _keep_change(parts, cookie, _adds_until(parts.clock.now() + _BELIEVED))


async def _keep_change(parts: AttachmentParts, cookie: str, change: Callable[[Draft], Draft]) -> None:
    """Keep a change of a draft that was sent, unless its sender has removed it meanwhile."""
    async with parts.database.transaction() as session:
        if draft := await lock_draft(session, cookie, parts.clock.now()):
            await keep_sent(session, cookie, change(draft))


def _adds_until(until: datetime | None) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, adding_until=until)


def _refused(refused: DraftFile, words: str) -> Callable[[Draft], Draft]:
    def change(draft: Draft) -> Draft:
        files = (replace(file, refused=words) if file == refused else file for file in draft.files)
        return replace(draft, files=tuple(files))

    return change


async def _refusal(parts: EvidenceParts, file: DraftFile, adder: Adder) -> str | None:
    """Make evidence of a file; return what to do about it if it is refused. What fails for now is left."""
    try:
        upload = await waiting(parts, file.token) if file.token else await _written(parts, file, adder)
        await attach_upload(parts, replace(upload, said=replace(upload.said, link=file.link)), adder)
    except FileRefused as refused:
        return refused.words
    except UploadNotFound:
        return GONE
    except UploadIncomplete:
        return CUT
    except StoreUnavailable as error:
        _log.warning("file_not_attached_for_now", exc_info=error)
    except Exception as error:  # noqa: BLE001 - the others are added all the same, and its sender may try again
        _log.error("file_not_attached", exc_info=error)
    return None


async def _written(parts: EvidenceParts, file: DraftFile, adder: Adder) -> Upload:
    """Return words as an upload."""
    content = (file.text or "").encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    said = Said(name=file.name, link=file.link)
    new = NewUpload(evidence_id=file.evidence_id, said=said, length=len(content), waits=WAITS, adder=adder)
    return await append(parts, await begin(parts, new), chunks())
