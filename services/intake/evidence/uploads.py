"""The way of a file: it is received in encrypted parts, waits, and becomes evidence.

Each part is committed when it is stored, in a short transaction of its own: a file may take minutes, a connection cut
in the middle must not lose what arrived, and a transaction that long would hold a connection of the pool and keep
vacuum from working (decision 0053). What is written to the store before a commit that never comes is swept.
"""

import asyncio
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import UUID

import structlog
from fastapi import Request
from sqlalchemy.exc import DBAPIError

from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import (
    LONGEST_NOTE,
    PART,
    WAITS,
    WAITS_IN_FORM,
    Adder,
    EvidenceItem,
    FileCutShort,
    FileEmpty,
    FileMissing,
    FileNotTakenNow,
    FileRefused,
    FileTooLarge,
    FileTypeNotTaken,
    Kept,
    NoteRefused,
    Said,
    TooManyFiles,
    UploadIncomplete,
    UploadNotFound,
)
from services.intake.evidence.handlers import (
    NewUpload,
    Upload,
    add_part,
    begin_upload,
    end_upload,
    find_upload,
    forget_upload,
    keep,
)
from services.intake.evidence.multipart import FormStream, Part, Truncated
from services.intake.evidence.objects import EVIDENCE, UPLOADS, ObjectMissing, StoreUnavailable
from services.intake.evidence.queries import stored_items
from services.intake.media import media, renderer
from services.intake.reports.queries import find_key
from shared import text as rule
from shared.events.vocabulary import AddedBy, Confidentiality, Scan

_READ = 256 * 1024
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file of a form that was not received."""

    name: str = field(repr=False)
    refused: FileRefused
    input_name: str = "file"
    """The field that it was chosen in."""

    @classmethod
    def of(cls, part: Part, error: FileRefused | StoreUnavailable) -> "RefusedFile":
        """Return the file of `part`, refused for `error`."""
        return cls(part.file_name or "", error if isinstance(error, FileRefused) else FileNotTakenNow(), part.name)


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """A form that came with files: what was typed, what was received, and what was not."""

    fields: Mapping[str, Sequence[str]] = field(repr=False)
    """As `shared.web.forms.read_form` returns them."""
    uploads: tuple[Upload, ...] = ()
    refused: tuple[RefusedFile, ...] = ()


async def receive_form(
    parts: EvidenceParts,
    request: Request,
    *,
    adder: Adder | None = None,
    ticket: bytes | None = None,
    most_files: int | None = None,
    link_of: Callable[[str], int | None] = lambda _field: None,
) -> ReceivedForm:
    """Read a form as it arrives. Its files wait as uploads; one that is refused does not stop the others.

    The route must be among the streamed bodies of `services.intake.app`, and must not hold a transaction meanwhile.

    Args:
        parts: the parts of evidence.
        request: not read yet.
        adder: who adds the files to which report.
        ticket: hash of what counts the files of a form that is not sent; needed without `adder`.
        most_files: how many may still come; by default, as many as a message may have.
        link_of: says which link of the report the files of a field show, if any.

    Raises:
        FileCutShort: the body ended too early; nothing is kept.
        Problem, FormParserError: the form is malformed or not trusted.
    """
    most = parts.evidence_limits.most_files if most_files is None else most_files
    typed: dict[str, list[str]] = {}
    refused: list[RefusedFile] = []
    async with _kept_or_none(parts) as uploads:
        async for part in FormStream(request).parts():
            if part.file_name is None:
                typed.setdefault(part.name, []).append((await part.text()).replace("\r\n", "\n"))
            elif part.file_name:
                try:
                    _refuse_another(len(uploads), most)
                    uploads.append(await _receive(parts, part, adder, ticket, link_of(part.name)))
                except (FileRefused, StoreUnavailable) as error:
                    refused.append(RefusedFile.of(part, error))
    return ReceivedForm(typed, tuple(uploads), tuple(refused))


async def receive_file(parts: EvidenceParts, request: Request, adder: Adder) -> Upload:
    """Read a form with the field `file`, and `note` if there is one; refused at the byte where it is wrong.

    Raises:
        FileRefused: the file is not taken; nothing is kept.
        StoreUnavailable, StoreFull, Problem, FormParserError: as `receive_form`.
    """
    note = None
    async with _kept_or_none(parts) as uploads:
        async for part in FormStream(request).parts():
            if part.file_name is None:
                note = await part.text() if part.name == "note" else note
            elif part.file_name:
                _refuse_another(len(uploads), 1)
                uploads.append(await _receive(parts, part, adder, None))
        said = Said(note=_note(note))
        for upload in uploads:
            return replace(upload, said=replace(said, name=upload.said.name))
    raise FileMissing


@asynccontextmanager
async def _kept_or_none(parts: EvidenceParts) -> AsyncIterator[list[Upload]]:
    """Give a list for what a request brings; if the request fails, nothing of it is kept.

    Raises:
        FileCutShort: the body ended too early.
    """
    uploads: list[Upload] = []
    try:
        yield uploads
    except BaseException as error:
        await discard_all(parts, uploads)
        if isinstance(error, Truncated):
            raise FileCutShort from None
        raise


def _refuse_another(count: int, most: int) -> None:
    if count >= most:
        raise TooManyFiles(most)


async def _receive(
    parts: EvidenceParts, part: Part, adder: Adder | None, ticket: bytes | None, link: int | None = None
) -> Upload:
    """Receive one file of a form, whole and of a type that is taken, or nothing of it."""
    waits = WAITS if adder else WAITS_IN_FORM
    new = NewUpload(
        evidence_id=parts.ids.uuid(),
        said=Said(name=part.file_name, link=link),
        length=None,
        waits=waits,
        adder=adder,
        ticket=ticket,
    )
    async with _kept_or_none(parts) as uploads:
        uploads.append(await begin(parts, new))
        uploads[0] = await complete(parts, await append(parts, uploads[0], part.chunks()))
        await examine(parts, uploads[0])
        return uploads[0]


def _note(text: str | None) -> str | None:
    """Return a note as it is kept.

    Raises:
        NoteRefused: it is too long, or has characters that no text has.
    """
    if text is None or rule.is_blank(text):
        return None
    if len(text) > LONGEST_NOTE:
        raise NoteRefused(f"The note must be {LONGEST_NOTE:,} characters or fewer")
    try:
        return rule.refuse_control_characters(text)
    except rule.ControlCharacter as refused:
        raise NoteRefused(f"Remove the character {refused} from the note") from None


async def begin(parts: EvidenceParts, new: NewUpload) -> Upload:
    """Begin an upload; raises as `begin_upload` does."""
    async with parts.database.transaction() as session:
        return await begin_upload(session, new, parts.evidence_limits, parts.clock.now())


async def waiting(parts: EvidenceParts, token: str) -> Upload:
    """Return the upload of `token`; raises as `find_upload` does."""
    async with parts.database.transaction() as session:
        return await find_upload(session, token, parts.clock.now())


async def append(
    parts: EvidenceParts, upload: Upload, chunks: AsyncIterable[bytes], *, last_waits: bool = False
) -> Upload:
    """Add `chunks` to an upload, part by part, and return it as it is then.

    What arrived before `chunks` raises is kept, so that a client can continue.

    Args:
        parts: the parts of evidence.
        upload: as it is now.
        chunks: what arrives.
        last_waits: the part that completes it is stored, but not committed: that is done with the evidence.

    Raises:
        FileTooLarge: there are more bytes than declared, or than one file may have.
        OffsetConflict: another request continues it at the same time.
        StoreUnavailable, StoreFull: the store takes nothing now.
    """
    most = upload.length if upload.length is not None else parts.evidence_limits.most_bytes
    left, buffer = most - upload.received, bytearray()
    try:
        async for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise FileTooLarge(most)
            buffer += chunk
            if len(buffer) >= PART:
                full, buffer = buffer, bytearray()
                upload = await _keep_part(parts, upload, full, last_waits=last_waits)
    finally:
        if buffer and left >= 0:
            upload = await _keep_part(parts, upload, buffer, last_waits=last_waits)
    return upload


async def complete(parts: EvidenceParts, upload: Upload) -> Upload:
    """Record that an upload of unknown length is whole, and return it."""
    async with parts.database.transaction() as session:
        await end_upload(session, upload)
    return replace(upload, length=upload.received)


async def examine(parts: EvidenceParts, upload: Upload) -> media.MediaType:
    """Return what a whole upload is by its content.

    Raises:
        FileEmpty: it has no bytes.
        FileTypeNotTaken: it is of a type that is not taken.
    """
    if not upload.received:
        raise FileEmpty
    size, loop = upload.received, asyncio.get_running_loop()
    head = await _range(parts, upload, 0, media.HEAD)
    tail = await _range(parts, upload, max(0, size - media.TAIL), media.TAIL)

    def read(offset: int, length: int) -> bytes:
        return asyncio.run_coroutine_threadsafe(_range(parts, upload, offset, length), loop).result()

    try:
        return await asyncio.to_thread(media.recognise, head, tail, size, read)
    except media.NotTaken as refused:
        raise FileTypeNotTaken(refused.words) from None


async def attach(
    parts: EvidenceParts, token: str, adder: Adder | None = None, *, message_id: UUID | None = None
) -> EvidenceItem:
    """Make a piece of evidence of a whole upload; an upload that is evidence already gives the same piece.

    It opens and closes transactions of its own: call it after what it belongs to is committed. Bytes go to the store
    before the row is written, so a kill leaves a whole piece or none, and what is left over is swept.

    Args:
        parts: the parts of evidence.
        token: of the upload.
        adder: who adds it to which report, if the upload waited for a form.
        message_id: the message that it comes with.

    Raises:
        UploadNotFound: there is none, or it has expired.
        UploadIncomplete: bytes are missing.
        FileRefused: it is not taken; the upload is gone.
        StoreUnavailable, StoreFull: not now; the upload stays, and can be attached later.
    """
    return await attach_upload(parts, await waiting(parts, token), adder, message_id=message_id)


async def attach_upload(
    parts: EvidenceParts, upload: Upload, adder: Adder | None = None, *, message_id: UUID | None = None
) -> EvidenceItem:
    """As `attach`, for an upload that was just received."""
    who = adder or upload.adder
    if who is None:
        raise UploadNotFound
    if upload.attached_at:
        return await _attached(parts, upload, who)
    if not upload.is_complete:
        raise UploadIncomplete
    try:
        item = await _attach(parts, upload, who, message_id)
    except FileRefused:
        await discard(parts, upload)
        raise
    await _delete(parts, [name for name, _ in upload.parts])
    return item


async def discard_all(parts: EvidenceParts, uploads: Sequence[Upload]) -> None:
    """Forget uploads after something failed; what cannot be forgotten now expires."""
    for upload in uploads:
        with suppress(DBAPIError, OSError):
            await discard(parts, upload)


async def discard(parts: EvidenceParts, upload: Upload) -> None:
    """Forget an upload and its bytes. What the store cannot delete now is swept."""
    async with parts.database.transaction() as session:
        names = await forget_upload(session, upload)
    await _delete(parts, names)


async def content_of(parts: EvidenceParts, upload: Upload) -> AsyncIterator[bytes]:
    """Yield what an upload holds, a part at a time.

    Raises:
        UploadNotFound: a part is gone.
        StoreUnavailable: the store does not answer.
    """
    for number in range(len(upload.parts)):
        yield await _part(parts, upload, number)


@dataclass(slots=True)
class Digest:
    """Passes bytes on, and knows their hash and how many they were then."""

    chunks: AsyncIterable[bytes]
    size: int = 0
    sha256: str = ""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        digest = sha256()
        async for chunk in self.chunks:
            digest.update(chunk)
            self.size += len(chunk)
            yield chunk
        self.sha256 = digest.hexdigest()


async def _attach(parts: EvidenceParts, upload: Upload, adder: Adder, message_id: UUID | None) -> EvidenceItem:
    media_type = await examine(parts, upload)
    anonymous = await _is_anonymous(parts, adder)
    name = f"{EVIDENCE}{upload.evidence_id}.{secrets.token_hex(8)}"
    try:
        kept = await _store(parts, upload, media_type, name, anonymous=anonymous)
        async with parts.database.transaction() as session:
            item = await keep(
                session,
                upload,
                kept,
                adder,
                parts.clock.now(),
                parts.outbox,
                limits=parts.evidence_limits,
                message_id=message_id,
            )
    except FileRefused:
        await _delete(parts, [name])
        raise
    _log.info("evidence_added", evidence_id=item.evidence_id, state=item.scan, source=item.added_by)
    return item


async def _is_anonymous(parts: EvidenceParts, adder: Adder) -> bool:
    """Return whether only a copy without what tells who made it may be kept."""
    async with parts.database.transaction() as session:
        report = await find_key(session, adder.report_id)
    if report is None:
        raise UploadNotFound
    return adder.added_by is AddedBy.REPORTER and report.confidentiality is Confidentiality.ANONYMOUS


async def _store(
    parts: EvidenceParts, upload: Upload, media_type: media.MediaType, name: str, *, anonymous: bool
) -> Kept:
    """Store what becomes evidence: what was sent, or a copy that does not give an anonymous reporter away."""
    if anonymous:
        return await _store_copy(parts, upload, media_type, name)
    sent = Digest(content_of(parts, upload))
    await parts.objects.write(name, sent)
    called = media.safe_name(upload.said.name, media_type) if upload.said.name else None
    return Kept(
        name, str(media_type), sent.size, sent.sha256, sent.sha256, called, cleaned=False, scan=await scan(parts, name)
    )


async def _store_copy(parts: EvidenceParts, upload: Upload, media_type: media.MediaType, name: str) -> Kept:
    """Store a copy without place, device, author and name; the original is in a file without a name meanwhile."""
    sent = Digest(content_of(parts, upload))
    with TemporaryFile() as original:
        async for chunk in sent:
            await asyncio.to_thread(original.write, chunk)
        try:
            copy = await renderer.clean(original, media_type)
        except (renderer.CannotClean, renderer.CannotRead) as refused:
            raise FileTypeNotTaken(refused.words) from None
    with copy.file:
        kept = Digest(_read(copy.file))
        await parts.objects.write(name, kept)
    return Kept(
        name,
        str(copy.media_type),
        kept.size,
        kept.sha256,
        sent.sha256,
        None,
        cleaned=True,
        scan=await scan(parts, name),
    )


async def scan(parts: EvidenceParts, name: str) -> Scan:
    """Return what the virus scanner says of an object."""
    with await parts.objects.open(name) as opened:
        return await parts.scanner.scan(opened)


async def _read(source: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(source.read, _READ):
        yield chunk


async def _attached(parts: EvidenceParts, upload: Upload, adder: Adder) -> EvidenceItem:
    async with parts.database.transaction() as session:
        found = await stored_items(session, adder.report_id, [upload.evidence_id])
    if not found:
        raise UploadNotFound
    return found[0].item


async def _keep_part(parts: EvidenceParts, upload: Upload, plain: bytearray, *, last_waits: bool) -> Upload:
    number, size = len(upload.parts), len(plain)
    name = f"{UPLOADS}{upload.secret.name.hex()}.{number}.{secrets.token_hex(8)}"
    encrypted = await asyncio.to_thread(upload.secret.encrypt, plain, place=_place(number))
    await parts.objects.put(name, encrypted)
    grown = replace(upload, received=upload.received + size, parts=(*upload.parts, (name, size)))
    if not (last_waits and grown.is_complete):
        async with parts.database.transaction() as session:
            await add_part(session, upload, name, size)
    return grown


async def _part(parts: EvidenceParts, upload: Upload, number: int) -> bytes:
    try:
        encrypted = await parts.objects.get(upload.parts[number][0])
    except ObjectMissing:
        raise UploadNotFound from None
    return await asyncio.to_thread(upload.secret.decrypt, encrypted, place=_place(number))


async def _range(parts: EvidenceParts, upload: Upload, offset: int, length: int) -> bytes:
    """Return so many bytes of an upload from `offset`, from the parts that have them."""
    found, begins = bytearray(), 0
    for number, (_, size) in enumerate(upload.parts):
        if begins < offset + length and begins + size > offset:
            plain = await _part(parts, upload, number)
            found += plain[max(0, offset - begins) : offset + length - begins]
        begins += size
    return bytes(found)


async def _delete(parts: EvidenceParts, names: list[str]) -> None:
    with suppress(StoreUnavailable):
        await parts.objects.delete(names)


def _place(number: int) -> bytes:
    return number.to_bytes(4, "big")
