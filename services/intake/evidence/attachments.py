"""How an upload becomes evidence: recognised, cleaned for an anonymous reporter, stored with its hash, and scanned.

Bytes go to the store before the row is committed: a kill leaves a whole piece or none, and what is left over is swept.
"""

import asyncio
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from itertools import count
from typing import BinaryIO, TypeAlias
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import (
    Adder,
    EvidenceItem,
    FileRefused,
    FileTypeNotTaken,
    Kept,
    ReportClosed,
    UploadIncomplete,
    UploadNotFound,
)
from services.intake.evidence.handlers import Upload, extend_upload, keep
from services.intake.evidence.objects import EVIDENCE, ObjectMissing, StoreUnavailable, temporary_file
from services.intake.evidence.queries import stored_items
from services.intake.evidence.uploads import all_or_nothing, content_of, delete, discard, examine, note_of, waiting
from services.intake.media import media, renderer
from services.intake.reports.queries import find_key
from shared.events.vocabulary import AddedBy, Confidentiality, Scan

_READ = 256 * 1024
_MINUTE = timedelta(minutes=1)
_EXTENDED_EVERY = 60.0
"""Seconds."""
_log = structlog.get_logger()
_Store: TypeAlias = Callable[[EvidenceParts, Upload, str], Awaitable[Kept]]
"""Stores the bytes of an upload under a name."""


async def attach(
    parts: EvidenceParts,
    token: str,
    adder: Adder | None = None,
    *,
    message_id: UUID | None = None,
    note: str | None = None,
    link: int | None = None,
) -> EvidenceItem:
    """Make a piece of evidence of a whole upload; an upload that is evidence already gives the same piece.

    It opens and closes transactions of its own: call it after what it belongs to is committed.

    Args:
        parts: the parts of evidence.
        token: of the upload.
        adder: who adds it to which report, if the upload waited for a form.
        message_id: the message that it comes with.
        note: what the sender says about it, if that was not said when the upload began.
        link: which link of the report it shows, counted from 0.

    Raises:
        UploadNotFound: there is none, or it has expired.
        UploadIncomplete: bytes are missing.
        FileRefused: it is not taken; the upload is gone.
        StoreUnavailable, StoreFull: not now; the upload stays, and can be attached later.
    """
    upload = await waiting(parts, token)
    said = replace(upload.said, note=note_of(note) or upload.said.note, link=upload.said.link if link is None else link)
    return await attach_upload(parts, replace(upload, said=said), adder, message_id=message_id)


async def attach_received(parts: EvidenceParts, upload: Upload, *, message_id: UUID | None = None) -> EvidenceItem:
    """As `attach`, for an upload whose token its sender does not get: if it fails, nothing is kept."""
    async with all_or_nothing(parts) as uploads:
        uploads.append(upload)
        return await attach_upload(parts, upload, message_id=message_id)


async def attach_upload(
    parts: EvidenceParts, upload: Upload, adder: Adder | None = None, *, message_id: UUID | None = None
) -> EvidenceItem:
    """As `attach`, for an upload that was read already."""
    who = adder or upload.adder
    if who is None:
        raise UploadNotFound
    if upload.attached_at:
        return await _attached(parts, upload, who)
    if not upload.is_complete:
        raise UploadIncomplete
    try:
        item = await _attach_in_turn(parts, upload, who, message_id)
    except FileRefused:
        await discard(parts, upload)
        raise
    await delete(parts, [name for name, _ in upload.parts])
    return item


async def scan(parts: EvidenceParts, name: str) -> Scan:
    """Return what the virus scanner says of an object; nothing, if the store fails while the scanner reads.

    Raises:
        ObjectMissing: there is none.
    """
    if not parts.scanner.is_set_up:
        return Scan.NOT_SCANNED
    try:
        with await parts.objects.open(name) as opened:
            return await parts.scanner.scan(opened)
    except StoreUnavailable:
        return Scan.NOT_SCANNED  # it is kept, and scanned later


@dataclass(slots=True)
class Digest:
    """Passes bytes on, and knows their hash and how many they were then."""

    chunks: AsyncIterable[bytes]
    size: int = 0
    sha256: str = ""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        digest = sha256()
        async for chunk in self.chunks:
            await asyncio.to_thread(digest.update, chunk)  # a part takes milliseconds, which others would wait for
            self.size += len(chunk)
            yield chunk
        self.sha256 = digest.hexdigest()


async def _attach_in_turn(parts: EvidenceParts, upload: Upload, adder: Adder, message_id: UUID | None) -> EvidenceItem:
    media_type = await examine(parts, upload)
    if not await _is_anonymous(parts, adder):
        return await _attach(parts, upload, adder, message_id, partial(_store, media_type=media_type))
    async with _kept_meanwhile(parts, upload), parts.places.turn_of(adder.report_id):
        if (await waiting(parts, upload.token)).attached_at:
            return await _attached(parts, upload, adder)
        return await _attach(parts, upload, adder, message_id, partial(_store_copy, media_type=media_type))


async def _attach(
    parts: EvidenceParts, upload: Upload, adder: Adder, message_id: UUID | None, store: _Store
) -> EvidenceItem:
    name = f"{EVIDENCE}{upload.evidence_id}.{secrets.token_hex(8)}"
    try:
        kept = await store(parts, upload, name)
        limits, now = parts.evidence_limits, parts.clock.now()
        async with parts.database.transaction() as session:
            item = await keep(session, upload, kept, adder, now, parts.outbox, limits=limits, message_id=message_id)
            there = await stored_items(session, adder.report_id, [item.evidence_id])
            if await parts.is_exempt(session, adder.report_id):  # asked under the report's lock, which exempting needs
                raise ReportClosed
    except (FileRefused, UploadNotFound):
        await delete(parts, [name])
        raise
    except ObjectMissing:
        raise StoreUnavailable from None  # what was just written is gone
    if name not in [one.object_name for one in there]:  # it was sent before, or another request of it was faster
        await delete(parts, [name])
        if item.evidence_id != upload.evidence_id:
            await discard(parts, upload)
        return item
    _log.info("evidence_added", evidence_id=item.evidence_id, source=item.added_by, state=item.scan)
    return item


async def _is_anonymous(parts: EvidenceParts, adder: Adder) -> bool:
    """Return whether only a copy may be kept that does not give its sender away."""
    async with parts.database.transaction() as session:
        report = await find_key(session, adder.report_id)
    if report is None:
        raise UploadNotFound
    return adder.added_by is AddedBy.REPORTER and report.confidentiality is Confidentiality.ANONYMOUS


async def _store(parts: EvidenceParts, upload: Upload, name: str, media_type: media.MediaType) -> Kept:
    """Store what was sent."""
    sent = Digest(content_of(parts, upload))
    await parts.objects.write(name, sent)
    return Kept(
        object_name=name,
        media_type=str(media_type),
        size=sent.size,
        sha256=sent.sha256,
        sha256_sent=sent.sha256,
        name=media.safe_name(upload.said.name, media_type) if upload.said.name else None,
        cleaned=False,
        scan=await scan(parts, name),
    )


async def _store_copy(parts: EvidenceParts, upload: Upload, name: str, media_type: media.MediaType) -> Kept:
    """Store a copy without place, device, author and name; the original is in a file without a name meanwhile."""
    sent = Digest(content_of(parts, upload))
    async with parts.places.cleaning:
        with temporary_file() as original:
            async for chunk in sent:
                await asyncio.to_thread(original.write, chunk)
            copy = await _clean(original, media_type)
        with copy.file:  # the place is held until the copy is written, or copies would pile up before a slow store
            kept = Digest(_read(copy.file))
            await parts.objects.write(name, kept)
    return Kept(
        object_name=name,
        media_type=str(copy.media_type),
        size=kept.size,
        sha256=kept.sha256,
        sha256_sent=sent.sha256,
        name=None,
        cleaned=True,
        scan=await scan(parts, name),
    )


@asynccontextmanager
async def _kept_meanwhile(parts: EvidenceParts, upload: Upload) -> AsyncIterator[None]:
    """Let an upload wait for its turn in time of its own; no longer, or what fails again and again never expires."""
    if upload.expires_at < parts.clock.now() + 2 * _MINUTE:
        await _extend(parts, upload, 1)

    async def go_on() -> None:
        for minutes in count(2):
            await asyncio.sleep(_EXTENDED_EVERY)
            with suppress(SQLAlchemyError, OSError):
                await _extend(parts, upload, minutes)

    going_on = asyncio.create_task(go_on())
    try:
        yield
    finally:
        going_on.cancel()


async def _extend(parts: EvidenceParts, upload: Upload, minutes: int) -> None:
    async with parts.database.transaction() as session:
        await extend_upload(session, upload.token, upload.expires_at + minutes * _MINUTE)


async def _clean(original: BinaryIO, media_type: media.MediaType) -> renderer.Cleaned:
    try:
        return await renderer.clean(original, media_type)
    except (renderer.CannotClean, renderer.CannotRead) as refused:
        raise FileTypeNotTaken(refused.words) from None


async def _read(source: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(source.read, _READ):
        yield chunk


async def _attached(parts: EvidenceParts, upload: Upload, adder: Adder) -> EvidenceItem:
    async with parts.database.transaction() as session:
        found = await stored_items(session, adder.report_id, [upload.evidence_id])
    if not found:
        raise UploadNotFound
    return found[0].item
