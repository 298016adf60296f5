"""POST /report/evidence/{grant}/case: the export of a case, with the documents that triage made and the evidence.

Triage has no evidence, and intake no case. The browser of the person who exports brings triage's documents here: the
grant holds their digest, so nothing else is taken.
"""

import asyncio
import base64
import binascii
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from services.intake.evidence import downloads
from services.intake.evidence.dependencies import EvidenceParts, EvidencePartsDep
from services.intake.evidence.multipart import FormStream
from services.intake.evidence.queries import StoredItem, stored_items
from shared.audit import exports
from shared.auth.grants import MOST_DOCUMENTS, MOST_UNPACKED, Grant, InvalidGrant
from shared.web.problems import standard_problem

FIELD = "documents"
LONGEST_BODY = MOST_DOCUMENTS * 4 // 3 + 4096
"""Bytes: of the documents in base64, and of what separates the fields of a form."""
router = APIRouter(tags=["evidence"])


async def _grant_to_export(grant: Annotated[Grant, Depends(downloads.granted)]) -> Grant:
    if not grant.documents:
        raise InvalidGrant
    return grant


@router.post(downloads.PATH + "/case", include_in_schema=False)
async def export_case(
    request: Request, parts: EvidencePartsDep, grant: Annotated[Grant, Depends(_grant_to_export)]
) -> StreamingResponse:
    """Give one archive: the documents, the pieces of evidence that were chosen, and a manifest of all hashes."""
    documents = await _documents(request, grant)
    statement: dict[str, Any] = json.loads(documents.pop(exports.PROMISED))
    found = await _found(parts, grant)
    why = {one: await _because(parts, found.get(one)) for one in grant.evidence_ids}
    whole = [found[one] for one, left_out in why.items() if left_out is None]
    await downloads.use_up(parts, grant, whole)
    archive = _archive(parts, whole, _Contents(statement, documents, why))
    headers = {**downloads.SAFE, **downloads.attachment(f"{statement['case']}-{statement['purpose']}.zip")}
    return StreamingResponse(archive, headers=headers, media_type="application/zip")


@dataclass(frozen=True, slots=True)
class _Contents:
    statement: Mapping[str, Any]
    documents: Mapping[str, bytes]
    why: Mapping[UUID, str | None]
    """Why a piece of evidence is left out, of each one that was chosen."""

    def manifest(self, whole: Sequence[StoredItem]) -> bytes:
        """Return the manifest, now that all else is known."""
        names = {one.item.evidence_id: downloads.file_name(one) for one in whole}
        evidence = [
            {"evidence_id": str(evidence_id), "file": names.get(evidence_id), "left_out": why}
            for evidence_id, why in self.why.items()
        ]
        members = [
            {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}
            for name, content in self.documents.items()
        ]
        members += [
            {"name": downloads.file_name(one), "size": one.item.size, "sha256": one.item.sha256} for one in whole
        ]
        return exports.manifest(self.statement, evidence, members)


async def _documents(request: Request, grant: Grant) -> dict[str, bytes]:
    """Return what triage made, by name.

    Raises:
        InvalidGrant: it is not what the grant was made for.
    """
    async for part in FormStream(request).parts():
        if part.name == FIELD:
            encoded = bytearray()
            async for chunk in part.chunks():
                encoded += chunk
                if len(encoded) > LONGEST_BODY:
                    raise standard_problem(413)
            return await asyncio.to_thread(_unpacked, bytes(encoded), grant)
    raise InvalidGrant


def _unpacked(encoded: bytes, grant: Grant) -> dict[str, bytes]:
    try:
        packed = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise InvalidGrant from None
    if sha256(packed).hexdigest() != grant.documents:
        raise InvalidGrant
    with ZipFile(io.BytesIO(packed)) as archive:
        if sum(one.file_size for one in archive.infolist()) > 2 * MOST_UNPACKED:
            raise InvalidGrant
        return {name: archive.read(name) for name in archive.namelist()}


async def _found(parts: EvidenceParts, grant: Grant) -> dict[UUID, StoredItem]:
    if not grant.evidence_ids:
        return {}
    async with parts.database.transaction() as session:
        found = await stored_items(session, grant.report_id, grant.evidence_ids)
    return {one.item.evidence_id: one for one in found}


async def _because(parts: EvidenceParts, stored: StoredItem | None) -> str | None:
    """Return why a piece that was chosen is left out; None if it is there and whole."""
    return await downloads.left_out_because(parts, stored) if stored else "removed"


async def _archive(parts: EvidenceParts, whole: Sequence[StoredItem], contents: _Contents) -> AsyncIterator[bytes]:
    """Yield the archive as it is made; of no file there is more in memory than a piece.

    Raises:
        EvidenceDamaged, StoreUnavailable: as `downloads.as_kept`; the archive then has no directory, and does not open.
    """
    output = downloads.Written()
    with ZipFile(output, "w") as archive:
        for name, content in {exports.MANIFEST: contents.manifest(whole), **contents.documents}.items():
            await asyncio.to_thread(archive.writestr, name, content, ZIP_DEFLATED)
            yield output.taken()
        for one in whole:
            archive.compression = ZIP_STORED
            with archive.open(downloads.file_name(one), "w", force_zip64=True) as file:
                async for chunk in downloads.as_kept(parts.objects, one):
                    file.write(chunk)
                    yield output.taken()
    yield output.taken()
