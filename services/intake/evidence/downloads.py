"""/report/evidence/{grant}: what triage authorised and audited is carried out here, once, while the grant lives.

No cookie is read or set: the grant in the address is all that counts. Nothing that comes from here runs in a browser.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Any, BinaryIO
from uuid import UUID
from zipfile import ZipFile

import orjson
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.intake.evidence.api import EvidenceBody
from services.intake.evidence.attachments import Digest, attach_received
from services.intake.evidence.dependencies import EvidenceParts, EvidencePartsDep
from services.intake.evidence.domain import Adder, EvidenceDamaged, EvidenceInfected, EvidenceNotFound, EvidenceWithheld
from services.intake.evidence.handlers import record_opened, use_grant
from services.intake.evidence.objects import ObjectMissing, Objects, temporary_file
from services.intake.evidence.queries import StoredItem, stored_items
from services.intake.evidence.uploads import receive_file
from services.intake.media import renderer
from services.intake.media.child import Look
from services.intake.media.media import BY_NAME, MediaType
from shared.auth import grants
from shared.auth.grants import Grant, GrantedAction, InvalidGrant
from shared.auth.guard import guarding
from shared.events.vocabulary import AddedBy, Scan
from shared.ids import ReportId
from shared.observability.metrics import EVIDENCE_DAMAGED

PATH = "/report/evidence/{grant}"
SAFE: Mapping[str, str] = {
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_BYTES = "application/octet-stream"
_READ = 256 * 1024
LONGEST_PAUSE = 60.0
"""Seconds between two pieces of a copy: who reads more slowly does not get the rest, for its place is needed."""
_NOT_EXPORTED = frozenset({"name", "note"})
router = APIRouter(tags=["evidence"])
_log = structlog.get_logger()


@guarding
async def granted(grant: str, parts: EvidencePartsDep) -> Grant:
    """Return the grant in the address: who has it may do what it says.

    Raises:
        InvalidGrant: it is none.
        GrantExpired: its time is over.
    """
    return Grant.unseal(grant, parts.settings.derive_keys(grants.PURPOSE), parts.clock.now())


async def _grant_to_read(grant: Annotated[Grant, Depends(granted)]) -> Grant:
    if grant.action is GrantedAction.ADD or grant.documents:
        raise InvalidGrant
    return grant


async def _grant_to_add(grant: Annotated[Grant, Depends(granted)]) -> Grant:
    if grant.action is not GrantedAction.ADD:
        raise InvalidGrant
    return grant


@router.get(PATH, include_in_schema=False)
async def get_evidence(parts: EvidencePartsDep, grant: Annotated[Grant, Depends(_grant_to_read)]) -> Response:
    """Carry out a grant: a download of the original, a preview, or everything of a case with a manifest."""
    if grant.action is GrantedAction.EXPORT:
        return await _export(parts, grant)
    [stored] = await _stored(parts, grant)
    if grant.action is GrantedAction.PREVIEW:
        return await _preview(parts, grant, stored)
    await verify(parts.objects, stored)
    await use_up(parts, grant, [stored])
    return await _download_copy(parts, stored) if grant.copies else _download(parts, stored)


@router.post(PATH, status_code=201, include_in_schema=False, response_model=None)
async def post_evidence(
    request: Request, parts: EvidencePartsDep, grant: Annotated[Grant, Depends(_grant_to_add)]
) -> Response:
    """Add a file of the team to a report, as a grant allows; a browser goes back to the page that it came from."""
    upload = await receive_file(parts, request, adder_of(grant))
    item = await attach_received(parts, upload)
    if grant.back:
        return RedirectResponse(grant.back, 303)
    body = EvidenceBody.of(item).model_dump_json(exclude_none=True)
    return Response(body, 201, media_type="application/json")


def adder_of(grant: Grant) -> Adder:
    """Return who adds evidence by `grant`."""
    return Adder(ReportId(grant.report_id), AddedBy.TEAM, grant.responder, grant.case_id, grant.grant_id)


async def as_kept(objects: Objects, stored: StoredItem) -> AsyncIterator[bytes]:
    """Yield a piece of evidence; its last bytes only once all of them are what was kept.

    Raises:
        EvidenceDamaged: they are not; the log says which. What is being sent then breaks off, and cannot look whole.
        StoreUnavailable: it cannot be read now.
    """
    digest, size, last = sha256(), 0, b""
    try:
        async for chunk in objects.read(stored.object_name):
            size += len(chunk)
            if size > stored.item.size:
                break
            if last:
                yield last
            digest.update(chunk)
            last = chunk
    except ObjectMissing:
        raise _damaged(stored, "missing") from None
    if size != stored.item.size or digest.hexdigest() != stored.item.sha256:
        raise _damaged(stored, "changed")
    yield last


async def verify(objects: Objects, stored: StoredItem, into: BinaryIO | None = None) -> None:
    """Read a piece of evidence whole, before a byte of it is sent; with `into`, write it there too.

    Raises:
        EvidenceDamaged, StoreUnavailable: as `as_kept`.
    """
    async for chunk in as_kept(objects, stored):
        if into:
            await asyncio.to_thread(into.write, chunk)
    if into:
        await asyncio.to_thread(into.flush)


def _damaged(stored: StoredItem, problem: str) -> EvidenceDamaged:
    _log.error("evidence_damaged", evidence_id=stored.item.evidence_id, problem=problem)
    EVIDENCE_DAMAGED.inc()
    return EvidenceDamaged()


async def _stored(parts: EvidenceParts, grant: Grant) -> Sequence[StoredItem]:
    async with parts.database.transaction() as session:
        found = await stored_items(session, grant.report_id, grant.evidence_ids)
    if grant.action is GrantedAction.EXPORT:
        return found
    if len(found) != 1:
        raise EvidenceNotFound
    if found[0].item.scan is Scan.INFECTED:
        raise EvidenceInfected
    return found


async def use_up(parts: EvidenceParts, grant: Grant, opened: Sequence[StoredItem]) -> None:
    """Use a grant, and record that a team has looked at these pieces.

    Raises:
        GrantExpired: it was used before.
    """
    async with parts.database.transaction() as session:
        now = parts.clock.now()
        await use_grant(session, grant.grant_id, now)
        await record_opened(session, [one.item.evidence_id for one in opened], now)


def _download(parts: EvidenceParts, stored: StoredItem) -> Response:
    headers = {**SAFE, **attachment(file_name(stored)), "content-length": str(stored.item.size)}
    return StreamingResponse(as_kept(parts.objects, stored), headers=headers, media_type=_BYTES)


async def _download_copy(parts: EvidenceParts, stored: StoredItem) -> Response:
    held = ExitStack()
    try:
        name, chunks = await _copy_of(parts, stored, held)
    except BaseException:
        held.close()
        raise
    return _Held(held, chunks, headers={**SAFE, **attachment(name)}, media_type=_BYTES)


class _Held(StreamingResponse):
    """Gives back what it holds once it is sent, or cannot be."""

    def __init__(self, held: ExitStack, chunks: AsyncIterator[bytes], **more: Any) -> None:  # noqa: ANN401 - Starlette's
        super().__init__(chunks, **more)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


async def _copy_of(parts: EvidenceParts, stored: StoredItem, held: ExitStack) -> tuple[str, AsyncIterator[bytes]]:
    """Return the name and the bytes of a copy that does not say who made it, where and with what.

    `held` is given the copy and its place: it is closed when the copy is sent, here if its reader stops reading.

    Raises:
        EvidenceWithheld: none can be made.
    """
    if stored.item.cleaned:
        return file_name(stored), as_kept(parts.objects, stored)
    await parts.places.copies.acquire()
    held.callback(parts.places.copies.release)
    with temporary_file() as original:
        await verify(parts.objects, stored, original)
        try:
            async with parts.places.showing:
                copy = await renderer.clean(original, BY_NAME[stored.item.media_type])
        except (renderer.CannotClean, renderer.CannotRead):
            raise EvidenceWithheld from None
    held.callback(copy.file.close)
    return file_name(stored, copy.media_type), _sent(copy.file, held)


async def _sent(file: BinaryIO, held: ExitStack) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _READ):
        left = asyncio.get_running_loop().call_later(LONGEST_PAUSE, held.close)
        try:
            yield chunk
        finally:
            left.cancel()


async def _preview(parts: EvidenceParts, grant: Grant, stored: StoredItem) -> Response:
    kind = BY_NAME[stored.item.media_type]
    async with parts.places.originals:
        with temporary_file() as copy:
            await verify(parts.objects, stored, copy)
            await use_up(parts, grant, [stored])
            async with parts.places.showing:
                shown = await renderer.preview(copy, kind, Look(grant.sharp, grant.colour, people=not grant.copies))
    return Response(shown.content, media_type=shown.content_type, headers={**SAFE, "content-disposition": "inline"})


async def _export(parts: EvidenceParts, grant: Grant) -> Response:
    found = await _stored(parts, grant)
    headers = {**SAFE, **attachment(f"evidence-{grant.case_id}.zip")}
    if grant.copies:  # they take long to make, so what is left out is seen on the way
        await use_up(parts, grant, [one for one in found if one.item.scan is not Scan.INFECTED])
        return StreamingResponse(_zip_of_copies(parts, grant, found), headers=headers, media_type="application/zip")
    left_out = {one.item.evidence_id: why for one in found if (why := await left_out_because(parts, one))}
    whole = [one for one in found if one.item.evidence_id not in left_out]
    await use_up(parts, grant, whole)
    archive = _zip(parts, whole, _manifest(grant, found, left_out, parts.clock.now()))
    return StreamingResponse(archive, headers=headers, media_type="application/zip")


async def left_out_because(parts: EvidenceParts, stored: StoredItem) -> str | None:
    """Return why an export has the description of a piece, but not the piece."""
    if stored.item.scan is Scan.INFECTED:
        return "infected"
    try:
        await verify(parts.objects, stored)
    except EvidenceDamaged:
        return "damaged"
    return None


def _manifest(
    grant: Grant,
    found: Sequence[StoredItem],
    left_out: Mapping[UUID, str],
    now: datetime,
    copies: Mapping[UUID, Mapping[str, str]] = MappingProxyType({}),
) -> bytes:
    """Return what an export holds, with the hash of each file: `sha256sum` and this show that nothing was changed.

    What a file was called is left out, as on the case: it may say who sent it. `sha256` is of what is kept, and
    `sha256_copy` of the copy that is given in its place.
    """
    items = [
        {
            "file": None if one.item.evidence_id in left_out else file_name(one),
            "left_out": left_out.get(one.item.evidence_id),
            **{name: said for name, said in asdict(one.item).items() if name not in _NOT_EXPORTED},
            **copies.get(one.item.evidence_id, {}),
        }
        for one in found
    ]
    about = {"case_id": grant.case_id, "report_id": grant.report_id, "exported_at": now, "exported_by": grant.responder}
    return orjson.dumps({**about, "items": items}, default=str, option=orjson.OPT_INDENT_2)


async def _zip(parts: EvidenceParts, whole: Sequence[StoredItem], manifest: bytes) -> AsyncIterator[bytes]:
    """Yield an archive as it is made: of no file there is more in memory than a piece.

    Its directory comes last. If a file is not what was kept, there is none, and the archive does not open.

    Raises:
        EvidenceDamaged, StoreUnavailable: as `as_kept`.
    """
    written = Written()
    with ZipFile(written, "w") as archive:
        archive.writestr("manifest.json", manifest)
        for one in whole:
            with archive.open(file_name(one), "w", force_zip64=True) as file:
                async for chunk in as_kept(parts.objects, one):
                    file.write(chunk)
                    yield written.taken()
    yield written.taken()


async def _zip_of_copies(parts: EvidenceParts, grant: Grant, found: Sequence[StoredItem]) -> AsyncIterator[bytes]:
    """As `_zip`, with copies that do not say who made them: one is made at a time, so the manifest comes last."""
    written, left_out = Written(), dict[UUID, str]()
    copies: dict[UUID, Mapping[str, str]] = {}
    with ZipFile(written, "w") as archive:
        for one in found:
            with ExitStack() as held:
                try:
                    if why := await left_out_because(parts, one):
                        left_out[one.item.evidence_id] = why
                        continue
                    name, chunks = await _copy_of(parts, one, held)
                except EvidenceWithheld:
                    left_out[one.item.evidence_id] = "withheld"
                    continue
                copy = Digest(chunks)
                with archive.open(name, "w", force_zip64=True) as file:
                    async for chunk in copy:
                        file.write(chunk)
                        yield written.taken()
                copies[one.item.evidence_id] = {"file": name, "sha256_copy": copy.sha256}
        archive.writestr("manifest.json", _manifest(grant, found, left_out, parts.clock.now(), copies))
    yield written.taken()


class Written(io.RawIOBase):
    """Takes what an archive writes, until it is sent."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, written: Any) -> int:  # noqa: ANN401 - a buffer, which 3.11 has no name for
        self._waiting += written
        return len(written)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def file_name(stored: StoredItem, copied_as: MediaType | None = None) -> str:
    """Return a name that says nothing of whose it is."""
    return f"evidence-{stored.item.evidence_id}{(copied_as or BY_NAME[stored.item.media_type]).suffix}"


def attachment(name: str) -> Mapping[str, str]:
    """Return the header with which a browser saves what it gets under that name."""
    return {"content-disposition": f'attachment; filename="{name}"'}
