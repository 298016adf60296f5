"""What a reporter writes and chooses on the page of their report: how it is read and sent, and what is wrong with it.

No transaction is open while files arrive or are kept, which may take minutes. A task keeps them: their sender waits a
moment for it, and it goes on when they have left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

import structlog
from fastapi import Request

from services.intake.conversation.domain import SENT_TWICE_WITHIN
from services.intake.conversation.handlers import send_message
from services.intake.evidence import domain as files
from services.intake.evidence.attachments import attach
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.handlers import Upload, limit_upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.uploads import discard_all, receive_form, waiting
from services.intake.forms.domain import CUT
from services.intake.forms.sent_files import AttachmentParts
from services.intake.media import media
from services.intake.reports.domain import MOST_ADDITIONS, ReportRefused, TooManyAdditions
from services.intake.reports.queries import ReportKey
from shared import text as rule
from shared.events.vocabulary import Confidentiality
from shared.web.forms import FormErrors, FormReader

TEXT, FILE, UPLOAD, REMOVE = "text", "file", "upload", "remove"
_ENOUGH = f"You have written {MOST_ADDITIONS} times about this report. The team has it all, and will write to you here"
_NOTHING = "Enter a message, or choose a file"
_NOT_NOW = "It cannot be kept at the moment. It waits below: select Send again in a minute"
_GONE = "It is no longer here. If it is not among the files that you sent, choose it again"
_LONGEST_SHOWN = 60
_log = structlog.get_logger()

Failed = tuple[str, str]
"""The name of a file, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was posted."""

    text: str = field(default="", repr=False)
    uploads: tuple[Upload, ...] = ()
    """The files that wait to be sent."""
    failed: tuple[Failed, ...] = ()
    """The files that were refused while they arrived."""
    errors: FormErrors = field(default_factory=FormErrors)
    sent: bool = False
    """The message, or one of the files, was sent; what is wrong is wrong with the other files."""
    removed: bool = False
    """A file was taken out: nothing is sent yet."""
    adding: tuple[str, ...] = ()
    """Names of the files that were sent, and are still being added."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to say of it: all was sent and added."""
        return not (self.errors or self.removed or self.adding)

    @property
    def waiting(self) -> Sequence[tuple[str, str, str]]:
        """Name, size and token of each file that waits."""
        return [(called_by(upload), rule.size_in_words(upload.received), upload.token) for upload in self.uploads]


class FilesTaken(NamedTuple):
    """What may be chosen: in words, and for the browser."""

    hint: str
    ticket: str
    """With it a script sends files ahead of the message."""
    accept: str = media.ACCEPT


def files_taken(parts: EvidenceParts, report: ReportKey) -> FilesTaken:
    """Return which files may come with a message about `report`."""
    hint = parts.files_in_words
    if report.confidentiality is Confidentiality.ANONYMOUS:
        hint += " We keep a copy without the name, place, device and author. Of an email, send a screenshot instead."
    return FilesTaken(hint, parts.tickets.issue(parts.clock.now()))


async def read_written(request: Request, parts: EvidenceParts, report: ReportKey) -> Written:
    """Read the posted form: its files arrive with it, or a script has sent them ahead. They wait.

    Raises:
        FileCutShort: the form ended too early; nothing that came with it is kept.
    """
    uploads: tuple[Upload, ...] = ()
    failed: list[Failed] = []
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        received = await receive_form(parts, request, adder=files.Adder(report.report_id))
        reader, uploads = FormReader(received.fields), received.uploads
        failed += [(shown(file.name), file.refused.words) for file in received.refused]
    else:
        reader = await FormReader.posted(request)
    for token in dict.fromkeys(reader.typed.get(UPLOAD, ())):
        try:
            uploads = (*uploads, await waiting(parts, token))
        except files.UploadNotFound:
            failed.append((shown(""), _GONE))
    written = Written(reader.first(TEXT).strip(), uploads, tuple(failed), reader.errors)
    return await _without(parts, written, token) if (token := reader.first(REMOVE)) else written


async def _without(parts: EvidenceParts, written: Written, token: str) -> Written:
    """Take a file out that waits."""
    await discard_all(parts, [upload for upload in written.uploads if upload.token == token])
    kept = tuple(upload for upload in written.uploads if upload.token != token)
    return replace(written, uploads=kept, removed=True)


async def send_written(parts: AttachmentParts, report: ReportKey, written: Written) -> Written:
    """Send the message, then its files. Return what is left to put right, and what is still being added."""
    errors, has_text = written.errors, not rule.is_blank(written.text)
    if not (errors or has_text or written.uploads or written.failed or written.removed):
        errors.add(TEXT, _NOTHING)
    if errors or written.removed:
        _add_failed(errors, written.failed)
        return written
    message_id = await _send_message(parts, report, written)
    if errors:
        _add_failed(errors, written.failed)
        return written
    keeping, key = _Keeping(parts, report, written.uploads, message_id), str(parts.ids.uuid())
    parts.adding.start(key, keeping)
    try:
        await parts.adding.wait(key)
    finally:
        keeping.is_told = True
    kept = [(upload, keeping.became[upload.token]) for upload in written.uploads if upload.token in keeping.became]
    adding = tuple(called_by(upload) for upload in written.uploads if upload.token not in keeping.became)
    _add_failed(errors, [*written.failed, *((called_by(upload), words) for upload, words in kept if words)])
    waits = tuple(upload for upload, words in kept if words == _NOT_NOW)
    sent = has_text or bool(adding) or any(words is None for _, words in kept)
    return Written(uploads=waits, errors=errors, sent=sent, adding=adding)


@dataclass(slots=True)
class _Keeping:
    """Makes evidence of the files of a message, also when their sender has left."""

    parts: EvidenceParts
    report: ReportKey
    uploads: Sequence[Upload]
    message_id: UUID
    became: dict[str, str | None] = field(default_factory=dict, repr=False)
    """By the file's token: what to do about it, None if it is evidence; a file that is missing is not yet through."""
    is_told: bool = False
    """Its sender was answered: what was through by then is theirs to send again."""

    async def __call__(self) -> bool:
        """Keep each file that is not through; return whether some of them are to be tried again."""
        later = False
        for upload in self.uploads:
            if upload.token not in self.became:
                words = await _keep(self.parts, self.report, upload, self.message_id)
                if words == _NOT_NOW and self.is_told:
                    later = True
                else:
                    self.became[upload.token] = words
        return later


async def _send_message(parts: EvidenceParts, report: ReportKey, written: Written) -> UUID:
    """Send what was written, and return the id that its files belong to; from then on they wait for an hour at most."""
    now, ids, message_id = parts.clock.now(), parts.ids, None
    try:
        async with parts.database.transaction() as session:
            if not rule.is_blank(written.text):
                sent = await send_message(session, report, written.text, now, ids, parts.outbox)
                message_id = sent.message_id
            for upload in written.uploads:
                if upload.expires_at > now + files.WAITS:
                    await limit_upload(session, upload.token, now + files.WAITS)
    except ReportRefused as refused:
        for refusal in refused.refusals:
            written.errors.add(TEXT, refusal.message)
    except TooManyAdditions:
        written.errors.add(TEXT, _ENOUGH)
    return message_id or ids.uuid()


async def _keep(parts: EvidenceParts, report: ReportKey, upload: Upload, message_id: UUID) -> str | None:
    """Make evidence of a file; return what to do about it if that fails. What cannot be kept for now waits.

    Sent twice it is one piece: a script's upload by its own id, and the same bytes as a second click sends them.
    """
    adder = files.Adder(report.report_id, sent_since=parts.clock.now() - SENT_TWICE_WITHIN)
    try:
        await attach(parts, upload.token, adder, message_id=message_id)  # as it is now: its hour has begun
    except files.FileRefused as refused:
        return refused.words
    except files.UploadNotFound:
        return None if await _is_evidence(parts, upload) else _GONE
    except files.UploadIncomplete:
        return CUT
    except StoreUnavailable as error:
        _log.warning("file_not_attached_for_now", exc_info=error)
        return _NOT_NOW
    except Exception as error:  # noqa: BLE001 - the message is sent, and the files after this one must be too
        _log.error("file_not_attached", exc_info=error)
        return _NOT_NOW
    return None


async def _is_evidence(parts: EvidenceParts, upload: Upload) -> bool:
    """Return whether a second click has made evidence of it meanwhile."""
    try:
        return (await waiting(parts, upload.token)).attached_at is not None
    except files.UploadNotFound:
        return False


def _add_failed(errors: FormErrors, failed: Sequence[Failed]) -> None:
    if failed:
        errors.add(FILE, ". ".join(_by_words(failed)))


def _by_words(failed: Sequence[Failed]) -> Iterable[str]:
    """Yield each thing to do, after the names of its files."""
    for words in dict.fromkeys(words for _, words in failed):
        yield f"{', '.join(name for name, said in failed if said == words)}: {words}"


def called_by(upload: Upload) -> str:
    """Return what its sender calls a file that waits."""
    return shown(upload.said.name or "")


def shown(name: str) -> str:
    """Return a file's name as a page repeats it."""
    plain = media.plain_name(name)
    if len(plain) > _LONGEST_SHOWN:
        return f"{plain[:_LONGEST_SHOWN]}…"
    return plain or "A file"
