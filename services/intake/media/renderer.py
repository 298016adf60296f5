"""Cleaned copies and previews of files: each is made by a child process of its own, within limits."""

import asyncio
import errno
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO

from services.intake.media import media
from services.intake.media.child import Ending, Limits, Look, run
from services.intake.media.media import Kind, MediaType

CLEANING = Limits()
DRAWING = Limits(processor=20, output=16 * 1024 * 1024, wall_clock=40)
LONGEST_TEXT = 20_000
"""Bytes of a text that a preview shows."""

WORDS: Mapping[Ending, str] = {
    Ending.DAMAGED: "The file is damaged or not complete. Save a new copy of it and send that, or send a screenshot",
    Ending.TOO_LARGE: "The file needs too much memory to open. Send a smaller copy of it, or a screenshot",
    Ending.TOO_COSTLY: "The file takes too much time or space to open. Send a smaller copy of it, or a screenshot",
    Ending.TOO_LONG: "The PDF has more than 200 pages. Send the pages that matter as a PDF of their own",
    Ending.LOCKED: "The PDF asks for a password. Save a copy without a password and send that, or send a screenshot",
    Ending.NOTES: "We cannot make sure that the recording does not say who made it, where or with what. "
    "Save it as an MP4 and send that, or send a screenshot",
}
"""What the person who sends a file reads. Each says what to do."""
WORDS_FOR_TEAM: Mapping[Ending, str] = {
    Ending.DAMAGED: "There is no preview, because the file is damaged or not complete. You can download the original",
    Ending.TOO_LARGE: "There is no preview, because the file needs too much memory to open. "
    "You can download the original",
    Ending.TOO_COSTLY: "There is no preview, because the file takes too much time or space to open. "
    "You can download the original",
    Ending.TOO_LONG: "There is no preview, because the file is too long. You can download the original",
    Ending.LOCKED: "There is no preview, because the file asks for a password. You can download the original",
    Ending.NOTES: "There is no preview. You can download the original",
}
"""What a person reads who asked for a preview."""


class CannotRead(ValueError):
    """A file cannot be opened, or not within the limits. The message says why, and nothing of the file."""

    def __init__(self, why: Ending) -> None:
        super().__init__(why.name.lower())
        self.why = why

    @property
    def words(self) -> str:
        """Return what the person who sends the file reads."""
        return WORDS[self.why]

    @property
    def words_for_team(self) -> str:
        """Return what a person reads who asked for a preview."""
        return WORDS_FOR_TEAM[self.why]


class CannotClean(ValueError):
    """A type of file cannot be cleaned: what it says about people is what it is for."""

    words = (
        "An email cannot be sent anonymously, because it says who sent it, who received it and when. "
        "Send a screenshot of it"
    )


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A copy without anything that says who made it, where or with what."""

    file: BinaryIO
    """Without a name, at its beginning; its user closes it."""
    media_type: MediaType
    """HEIC and AVIF become JPEG, and BMP becomes PNG."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What shows a file without executing anything in it."""

    content: bytes
    content_type: str
    """`image/jpeg`, or `text/plain; charset=utf-8`."""


CLEANED_AS: Mapping[MediaType, MediaType] = {
    media.HEIC: media.JPEG,
    media.AVIF: media.JPEG,
    media.BMP: media.PNG,
}


def can_be_cleaned(media_type: MediaType) -> bool:
    """Return whether `clean` does not raise `CannotClean` for this type: pages warn before such a file is sent."""
    return media_type.kind is not Kind.EMAIL


async def clean(source: BinaryIO, media_type: MediaType, limits: Limits = CLEANING) -> Cleaned:
    """Return a copy of a file without place, device, author and any other note; text is copied as it is.

    `source` is left at any place. It is not to be read elsewhere in the meantime.

    Raises:
        CannotClean: no file of this type can be cleaned.
        CannotRead: it is damaged, locked, or needs more than the limits.
        OSError: the disk of temporary files is full.
    """
    if not can_be_cleaned(media_type):
        raise CannotClean
    if media_type.kind is Kind.TEXT:
        return Cleaned(await asyncio.to_thread(_copy, source), media_type)
    output = await _run("clean", source, media_type, Look(), limits)
    return Cleaned(output, _as_expected(output, CLEANED_AS.get(media_type, media_type)))


_AT_FIRST = Look()


async def preview(source: BinaryIO, media_type: MediaType, look: Look = _AT_FIRST, limits: Limits = DRAWING) -> Preview:
    """Return a picture (or, of text and emails, their beginning as text), blurred and grey unless asked for otherwise.

    Raises:
        CannotRead: it is damaged, locked, or needs more than the limits.
        OSError: the disk of temporary files is full.
    """
    if media_type.kind is Kind.TEXT:
        return await asyncio.to_thread(_beginning, source)
    with await _run("preview", source, media_type, look, limits) as output:
        if media_type.kind is Kind.EMAIL:
            return _beginning(output)
        _as_expected(output, media.JPEG)
        return Preview(output.read(), media.JPEG.name)


def _beginning(source: BinaryIO) -> Preview:
    source.seek(0)
    text = media.text_of(source.read(LONGEST_TEXT))
    if text is None:
        raise CannotRead(Ending.DAMAGED)
    return Preview(text.encode(), "text/plain; charset=utf-8")


def _copy(source: BinaryIO) -> BinaryIO:
    copy = TemporaryFile()  # noqa: SIM115  # the caller closes it
    source.seek(0)
    shutil.copyfileobj(source, copy, 1024 * 1024)
    copy.seek(0)
    return copy


def _as_expected(output: BinaryIO, expected: MediaType) -> MediaType:
    """Return `expected`: what a child gives back is trusted no more than what it was given."""
    try:
        found = media.recognise_file(output)
    except media.NotTaken:
        found = None
    if found is not expected:
        output.close()
        raise CannotRead(Ending.DAMAGED)
    return expected


# The child ------------------------------------------------------------------------------------------------------------

_ENDED: Mapping[int, Ending] = {
    **dict.fromkeys((signal.SIGXCPU, signal.SIGXFSZ, signal.SIGKILL), Ending.TOO_COSTLY),
    **dict.fromkeys((signal.SIGABRT, signal.SIGTRAP, signal.SIGILL), Ending.TOO_LARGE),
}
"""By which signal a process ends that is at a limit: the system's, or a library's own when it gets no memory."""
_CHILD = f"from {run.__module__} import run; run()"


async def _run(job: str, source: BinaryIO, media_type: MediaType, look: Look, limits: Limits) -> BinaryIO:
    """Return what the child wrote, at its beginning."""
    with await asyncio.to_thread(_as_file, source) as given:
        output = TemporaryFile()  # noqa: SIM115  # the caller closes it
        try:
            _check(await _ending(job, given, output, media_type, look, limits))
        except BaseException:
            output.close()
            raise
    output.seek(0)
    return output


def _as_file(source: BinaryIO) -> BinaryIO:
    """Return a file that a child can inherit: the same, under a number of its own, or a copy of what has no number."""
    try:
        number = source.fileno()
    except OSError:
        return _copy(source)
    source.flush()
    return open(number, "rb", closefd=False)


async def _ending(
    job: str, source: BinaryIO, output: BinaryIO, media_type: MediaType, look: Look, limits: Limits
) -> int:
    """Return the exit status of a child; it is killed when its time is over, and when no one waits for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", _CHILD, job, media_type.kind, media_type.name),
        *("yes" if wanted else "no" for wanted in look),
        *(str(limit) for limit in limits[:-1]),
        stdin=source,
        stdout=output,
        stderr=DEVNULL,
        env={"MALLOC_ARENA_MAX": "2"},  # no secret; and threads take address space by the arena
        cwd="/",
    )
    try:
        async with asyncio.timeout(limits.wall_clock):
            return await process.wait()
    except TimeoutError:
        return Ending.TOO_COSTLY
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _check(status: int) -> None:
    if status == Ending.DONE:
        return
    if status == Ending.NO_ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise CannotRead(Ending(status) if status in set(Ending) else _ENDED.get(-status, Ending.DAMAGED))
