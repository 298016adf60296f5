"""What a reporter writes and chooses on the page of their report: how it is read and sent, and what is wrong with it.

No transaction is open while files arrive or are kept, which may take minutes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from fastapi import Request

from services.intake.conversation.domain import SENT_TWICE_WITHIN
from services.intake.conversation.handlers import send_message
from services.intake.evidence.attachments import Digest, attach_upload
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import Adder, EvidenceItem, FileRefused, in_words
from services.intake.evidence.handlers import Upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.queries import items_of
from services.intake.evidence.uploads import content_of, discard_all, receive_form
from services.intake.media import media
from services.intake.reports.domain import MOST_ADDITIONS, ReportRefused, TooManyAdditions
from services.intake.reports.queries import ReportKey
from shared import text as rule
from shared.events.vocabulary import Confidentiality
from shared.web.forms import FormErrors, FormReader

TEXT, FILE = "text", "file"
_ENOUGH = f"You have written {MOST_ADDITIONS} times about this report. The team has it all, and will write to you here"
_NOTHING = "Enter a message, or choose a file"
_CHOOSE_AGAIN = "Nothing was sent. Correct your message, then choose your files again"
_NOT_NOW = "Files cannot be kept at the moment. Send it again in a minute"
_LONGEST_SHOWN = 60

Failed = tuple[str, str]
"""The name of a file, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was posted."""

    text: str = field(default="", repr=False)
    uploads: tuple[Upload, ...] = ()
    failed: tuple[Failed, ...] = ()
    """The files that were refused while they arrived."""
    errors: FormErrors = field(default_factory=FormErrors)
    sent: bool = False
    """The message, or one of the files, was sent; what is wrong is wrong with the other files."""


class FilesTaken(NamedTuple):
    """What may be chosen: in words, and for the browser."""

    hint: str
    accept: str = media.ACCEPT


def files_taken(parts: EvidenceParts, report: ReportKey) -> FilesTaken:
    """Return which files may come with a message about `report`."""
    limits = parts.evidence_limits
    hint = f"Up to {limits.most_files} files of up to {in_words(limits.most_bytes)} each: {media.IN_WORDS}."
    if report.confidentiality is Confidentiality.ANONYMOUS:
        hint += " We keep a copy without the name, place, device and author. Of an email, send a screenshot instead."
    return FilesTaken(hint)


async def read_written(request: Request, parts: EvidenceParts, report: ReportKey) -> Written:
    """Read the posted form; its files wait, and belong to `report` alone.

    Raises:
        FileCutShort: the form ended too early; nothing is kept.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        reader = await FormReader.posted(request)
        return Written(reader.first(TEXT).strip(), errors=reader.errors)
    received = await receive_form(parts, request, adder=Adder(report.report_id))
    reader = FormReader(received.fields)
    failed = tuple((shown(file.name), file.refused.words) for file in received.refused)
    return Written(reader.first(TEXT).strip(), received.uploads, failed, reader.errors)


async def send_written(parts: EvidenceParts, report: ReportKey, written: Written) -> Written:
    """Send the message, then its files. Return what is left to put right: nothing, if there are no errors."""
    errors, has_text = written.errors, not rule.is_blank(written.text)
    if not (errors or has_text or written.uploads or written.failed):
        errors.add(TEXT, _NOTHING)
    message_id = parts.ids.uuid() if errors or not has_text else await _send_text(parts, report, written.text, errors)
    if errors:
        await discard_all(parts, written.uploads)
        if written.uploads or written.failed:
            errors.add(FILE, _CHOOSE_AGAIN)
        return Written(written.text, errors=errors)
    kept = [await _keep(parts, report, upload, message_id) for upload in written.uploads]
    failed = [*written.failed, *filter(None, kept)]
    if failed:
        errors.add(FILE, ". ".join(_by_words(failed)))
    return Written(errors=errors, sent=has_text or None in kept)


async def _send_text(parts: EvidenceParts, report: ReportKey, text: str, errors: FormErrors) -> UUID:
    """Send a message, and return the id that its files belong to."""
    now, ids = parts.clock.now(), parts.ids
    try:
        async with parts.database.transaction() as session:
            sent = await send_message(session, report, text, now, ids, parts.outbox)
            return sent.message_id or ids.uuid()
    except ReportRefused as refused:
        for refusal in refused.refusals:
            errors.add(TEXT, refusal.message)
    except TooManyAdditions:
        errors.add(TEXT, _ENOUGH)
    return ids.uuid()


async def _keep(parts: EvidenceParts, report: ReportKey, upload: Upload, message_id: UUID) -> Failed | None:
    """Make evidence of a file; return what to do about it if that fails."""
    called = shown(upload.said.name or "")
    try:
        if await _was_sent(parts, report, upload):
            await discard_all(parts, [upload])
            return None
        await attach_upload(parts, upload, message_id=message_id)
    except FileRefused as refused:
        return called, refused.words
    except StoreUnavailable:
        await discard_all(parts, [upload])
        return called, _NOT_NOW
    return None


async def _was_sent(parts: EvidenceParts, report: ReportKey, upload: Upload) -> bool:
    """Return whether the same bytes were sent a moment ago, as a second click sends them."""
    since = parts.clock.now() - SENT_TWICE_WITHIN
    async with parts.database.transaction() as session:
        items = (await items_of(session, [report.report_id])).get(report.report_id, ())
    recent = {item.sha256_sent for item in items if item.added_at >= since and _may_be(item, upload)}
    if not recent:
        return False
    digest = Digest(content_of(parts, upload))
    async for _ in digest:
        pass
    return digest.sha256 in recent


def _may_be(item: EvidenceItem, upload: Upload) -> bool:
    return item.cleaned or item.size == upload.received


def _by_words(failed: Sequence[Failed]) -> Iterable[str]:
    """Yield each thing to do, after the names of its files."""
    for words in dict.fromkeys(words for _, words in failed):
        yield f"{', '.join(name for name, said in failed if said == words)}: {words}"


def shown(name: str) -> str:
    """Return a file's name as a page repeats it: without folders, and without signs that are invisible or turn text."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(sign for sign in last if sign.isprintable() and not rule.is_invisible(sign)).strip()
    if len(plain) > _LONGEST_SHOWN:
        return f"{plain[:_LONGEST_SHOWN]}…"
    return plain or "A file"
