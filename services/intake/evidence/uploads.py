"""How files are received: as they arrive, in encrypted parts, which wait until they become evidence.

Each part is committed when it is stored, in a short transaction of its own: a file may take minutes, a connection cut
in the middle must not lose what arrived, and a transaction that long would hold a connection of the pool and keep
vacuum from working (decision 0053). What is written to the store before a commit that never comes is swept.
"""

import asyncio
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import limits
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from services.intake.evidence import domain, handlers
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import Adder, FileRefused, Said
from services.intake.evidence.handlers import NewUpload, Upload
from services.intake.evidence.multipart import FormStream, Part, Truncated
from services.intake.evidence.objects import UPLOADS, ObjectMissing, StoreUnavailable
from services.intake.media import media
from shared import text as rule
from shared.auth.guard import current_principal
from shared.runtime import parts_of
from shared.web.limits import address_of
from shared.web.problems import Problem


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file of a form that was not received."""

    name: str = field(repr=False)
    refused: FileRefused
    input_name: str = "file"
    """The field that it was chosen in."""

    @classmethod
    def of(cls, part: Part, error: Exception) -> "RefusedFile":
        """Return the file of `part`, refused for `error`."""
        refused = error if isinstance(error, FileRefused) else domain.FileNotTakenNow()
        return cls(part.file_name or "", refused, part.name)


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
    async with all_or_nothing(parts) as uploads:
        async for part in FormStream(request).parts():
            if part.file_name is None:
                typed.setdefault(part.name, []).append((await part.text()).replace("\r\n", "\n"))
            elif part.file_name:
                try:
                    _refuse_another(len(uploads), most)
                    uploads.append(await _receive(parts, request, part, adder, ticket, link_of(part.name)))
                except (FileRefused, StoreUnavailable, domain.UploadNotFound) as error:
                    refused.append(RefusedFile.of(part, error))
    return ReceivedForm(typed, tuple(uploads), tuple(refused))


async def receive_file(parts: EvidenceParts, request: Request, adder: Adder) -> Upload:
    """Read a form with the field `file`, and `note` if there is one; refused at the byte where it is wrong.

    Raises:
        FileRefused: the file is not taken; nothing is kept.
        StoreUnavailable, StoreFull, Problem, FormParserError: as `receive_form`.
    """
    note = None
    async with all_or_nothing(parts) as uploads:
        async for part in FormStream(request).parts():
            if part.file_name is None:
                note = await part.text() if part.name == "note" else note
            elif part.file_name:
                _refuse_another(len(uploads), 1)
                uploads.append(await _receive(parts, request, part, adder, None))
        said = Said(note=note_of(note))
        for upload in uploads:
            return replace(upload, said=replace(said, name=upload.said.name))
    raise domain.FileMissing


@asynccontextmanager
async def all_or_nothing(parts: EvidenceParts) -> AsyncIterator[list[Upload]]:
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
            raise domain.FileCutShort from None
        raise


def _refuse_another(count: int, most: int) -> None:
    if count >= most:
        raise domain.TooManyFiles(most)


async def _receive(
    parts: EvidenceParts,
    request: Request,
    part: Part,
    adder: Adder | None,
    ticket: bytes | None,
    link: int | None = None,
) -> Upload:
    """Receive one file of a form, whole and of a type that is taken, or nothing of it."""
    waits = domain.WAITS if adder else domain.WAITS_IN_FORM
    new = NewUpload(
        evidence_id=parts.ids.uuid(),
        said=Said(name=part.file_name, link=link),
        length=None,
        waits=waits,
        adder=adder,
        ticket=ticket,
    )
    async with all_or_nothing(parts) as uploads:
        uploads.append(await begin(parts, new))
        uploads[0] = await complete(parts, await append(parts, uploads[0], counted(request, uploads[0], part.chunks())))
        return replace(uploads[0], kind=str(await examine(parts, uploads[0])))


async def counted(request: Request, upload: Upload, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield what arrives, and count it as its sender's: a person's, or a network address's, in memory alone.

    Raises:
        TooMuchSent: it is more than one sender may send in an hour; what a team adds needs a grant each time.
    """
    parts, principal = parts_of(request, EvidenceParts), current_principal(request)
    hourly = limits.RateLimitItemPerHour(parts.evidence_limits.share)
    sender = principal.subject if principal else address_of(request.scope)
    async for chunk in chunks:
        if upload.is_shared:
            try:
                parts.rates.spend(hourly, "bytes of files", sender, len(chunk))
            except Problem:
                raise domain.TooMuchSent from None
        yield chunk


def note_of(text: str | None) -> str | None:
    """Return a note as it is kept.

    Raises:
        NoteRefused: it is too long, or has characters that no text has.
    """
    if text is None or rule.is_blank(text):
        return None
    if len(text) > domain.LONGEST_NOTE:
        raise domain.NoteRefused(f"The note must be {domain.LONGEST_NOTE:,} characters or fewer")
    try:
        return rule.refuse_control_characters(text)
    except rule.ControlCharacter as refused:
        raise domain.NoteRefused(f"Remove the character {refused} from the note") from None


async def begin(parts: EvidenceParts, new: NewUpload) -> Upload:
    """Begin an upload; raises as `begin_upload` does."""
    async with parts.database.transaction() as session:
        return await handlers.begin_upload(session, new, parts.evidence_limits, parts.clock.now())


async def waiting(parts: EvidenceParts, token: str) -> Upload:
    """Return the upload of `token`; raises as `find_upload` does."""
    async with parts.database.transaction() as session:
        return await handlers.find_upload(session, token, parts.clock.now())


async def append(
    parts: EvidenceParts, upload: Upload, chunks: AsyncIterable[bytes], *, last_waits: bool = False
) -> Upload:
    """Add `chunks` to an upload, part by part, and return it as it is then.

    What arrived before `chunks` raises is kept, so that a client can continue.

    Args:
        parts: the parts of evidence.
        upload: as it is now.
        chunks: what arrives.
        last_waits: the part that completes it is stored, but counts only with the evidence.

    Raises:
        FileTooLarge: there are more bytes than declared, or than one file may have.
        TooMuchWaiting: there is no room for it.
        OffsetConflict: another request continues it at the same time.
        StoreUnavailable, StoreFull: the store takes nothing now.
    """
    most = upload.length if upload.length is not None else parts.evidence_limits.most_bytes
    left, buffer = most - upload.received, bytearray()
    try:
        async for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise domain.FileTooLarge(parts.evidence_limits.most_bytes)
            buffer += chunk
            if len(buffer) >= domain.PART:
                full, buffer = buffer, bytearray()
                upload = await _keep_part(parts, upload, full, last_waits=last_waits)
    finally:
        if buffer and left >= 0:
            upload = await _keep_part(parts, upload, buffer, last_waits=last_waits)
    return upload


async def complete(parts: EvidenceParts, upload: Upload) -> Upload:
    """Record that an upload of unknown length is whole, and return it."""
    async with parts.database.transaction() as session:
        await handlers.end_upload(session, upload)
    return replace(upload, length=upload.received)


async def keep_for_form(parts: EvidenceParts, upload: Upload) -> None:
    """Keep a whole upload, and what it is, as long as its form may wait; one that is not whole goes after an hour."""
    async with parts.database.transaction() as session:
        await handlers.keep_for_form(session, upload)


async def examine(parts: EvidenceParts, upload: Upload) -> media.MediaType:
    """Return what a whole upload is by its content.

    Raises:
        FileEmpty: it has no bytes.
        FileTypeNotTaken: it is of a type that is not taken.
    """
    if not upload.received:
        raise domain.FileEmpty(media.WORDS[media.Reason.EMPTY])
    size, loop = upload.received, asyncio.get_running_loop()
    head = await _range(parts, upload, 0, media.HEAD)
    tail = await _range(parts, upload, max(0, size - media.TAIL), media.TAIL)

    def read(offset: int, length: int) -> bytes:
        return asyncio.run_coroutine_threadsafe(_range(parts, upload, offset, length), loop).result()

    try:
        return await asyncio.to_thread(media.recognise, head, tail, size, read)
    except media.NotTaken as refused:
        raise domain.FileTypeNotTaken(refused.words) from None


async def discard_all(parts: EvidenceParts, uploads: Sequence[Upload]) -> None:
    """Forget uploads after something failed; what cannot be forgotten now expires."""
    for upload in uploads:
        with suppress(SQLAlchemyError, OSError):
            await discard(parts, upload)


async def discard(parts: EvidenceParts, upload: Upload) -> None:
    """Forget an upload and its bytes. What the store cannot delete now is swept."""
    async with parts.database.transaction() as session:
        names = await handlers.forget_upload(session, upload)
    await delete(parts, {*names, *(name for name, _ in upload.parts)})


async def content_of(parts: EvidenceParts, upload: Upload) -> AsyncIterator[bytes]:
    """Yield what an upload holds, a part at a time.

    Raises:
        UploadNotFound: a part is gone.
        StoreUnavailable: the store does not answer.
    """
    for number in range(len(upload.parts)):
        async with parts.turns.take():
            plain = await _part(parts, upload, number)
        yield plain


async def _keep_part(parts: EvidenceParts, upload: Upload, plain: bytearray, *, last_waits: bool) -> Upload:
    async with parts.turns.take():
        return await _keep_part_now(parts, upload, plain, last_waits=last_waits)


async def _keep_part_now(parts: EvidenceParts, upload: Upload, plain: bytearray, *, last_waits: bool) -> Upload:
    number, size = len(upload.parts), len(plain)
    name = f"{UPLOADS}{upload.secret.name.hex()}.{number}.{secrets.token_hex(8)}"
    encrypted = await asyncio.to_thread(upload.secret.encrypt, plain, place=_place(number))
    await parts.objects.put(name, encrypted)
    grown = replace(upload, received=upload.received + size, parts=(*upload.parts, (name, size)))
    counts = not (last_waits and grown.is_complete)
    try:
        async with parts.database.transaction() as session:
            await handlers.add_part(session, upload, name, size, parts.evidence_limits, counts=counts)
    except (FileRefused, domain.OffsetConflict):
        await delete(parts, [name])
        raise
    return grown


async def _part(parts: EvidenceParts, upload: Upload, number: int) -> bytes:
    try:
        encrypted = await parts.objects.get(upload.parts[number][0])
    except ObjectMissing:
        raise domain.UploadNotFound from None
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


async def delete(parts: EvidenceParts, names: Iterable[str]) -> None:
    """Delete objects; what the store cannot delete now is swept."""
    with suppress(StoreUnavailable):
        await parts.objects.delete(names)


def _place(number: int) -> bytes:
    return number.to_bytes(4, "big")
