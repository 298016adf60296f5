"""/report/evidence/{grant}: what triage authorised and audited is carried out here, once and within a minute.

No cookie is read or set: the grant in the address is all that counts. Nothing that comes from here runs in a browser.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import sha256
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from services.intake.evidence.api import EvidenceBody
from services.intake.evidence.dependencies import EvidenceParts, EvidencePartsDep
from services.intake.evidence.domain import Adder, EvidenceDamaged, EvidenceInfected, EvidenceNotFound
from services.intake.evidence.handlers import record_opened, use_grant
from services.intake.evidence.objects import ObjectMissing
from services.intake.evidence.queries import StoredItem, stored_items
from services.intake.evidence.uploads import attach_upload, receive_file
from services.intake.media.media import BY_NAME
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
router = APIRouter(tags=["evidence"])
_log = structlog.get_logger()


@guarding
async def _grant(grant: str, parts: EvidencePartsDep) -> Grant:
    """Return the grant in the address: who has it may do what it says.

    Raises:
        InvalidGrant: it is none.
        GrantExpired: its minute has passed.
    """
    return Grant.unseal(grant, parts.settings.derive_keys(grants.PURPOSE), parts.clock.now())


async def _grant_to_read(grant: Annotated[Grant, Depends(_grant)]) -> Grant:
    if grant.action is GrantedAction.ADD:
        raise InvalidGrant
    return grant


async def _grant_to_add(grant: Annotated[Grant, Depends(_grant)]) -> Grant:
    if grant.action is not GrantedAction.ADD:
        raise InvalidGrant
    return grant


@router.get(PATH, include_in_schema=False)
async def get_evidence(parts: EvidencePartsDep, grant: Annotated[Grant, Depends(_grant_to_read)]) -> Response:
    """Carry out a grant: the original as a download."""
    [stored] = await _stored(parts, grant)
    await verify(parts, stored)
    await _use(parts, grant, [stored])
    return _download(parts, stored)


@router.post(PATH, status_code=201, include_in_schema=False, response_model=None)
async def post_evidence(
    request: Request, parts: EvidencePartsDep, grant: Annotated[Grant, Depends(_grant_to_add)]
) -> Response:
    """Add a file of the team to a report, as a grant allows; a browser goes back to the page that it came from."""
    upload = await receive_file(parts, request, adder_of(grant))
    item = await attach_upload(parts, upload)
    if grant.back:
        return RedirectResponse(grant.back, 303)
    body = EvidenceBody.of(item).model_dump_json(exclude_none=True)
    return Response(body, 201, media_type="application/json")


def adder_of(grant: Grant) -> Adder:
    """Return who adds evidence by `grant`."""
    return Adder(ReportId(grant.report_id), AddedBy.TEAM, grant.responder, grant.case_id, grant.grant_id)


async def verify(parts: EvidenceParts, stored: StoredItem) -> None:
    """Read a piece of evidence whole, before anyone gets a byte of it.

    Raises:
        EvidenceDamaged: it is not what was kept; the log says which.
        StoreUnavailable: it cannot be read now.
    """
    digest = sha256()
    try:
        async for chunk in parts.objects.read(stored.object_name):
            digest.update(chunk)
    except ObjectMissing:
        _damaged(stored, "missing")
    if digest.hexdigest() != stored.item.sha256:
        _damaged(stored, "changed")


def _damaged(stored: StoredItem, how: str) -> None:
    _log.error("evidence_damaged", evidence_id=stored.item.evidence_id, problem=how)
    EVIDENCE_DAMAGED.inc()
    raise EvidenceDamaged


async def _stored(parts: EvidenceParts, grant: Grant) -> Sequence[StoredItem]:
    async with parts.database.transaction() as session:
        found = await stored_items(session, grant.report_id, grant.evidence_ids)
    if not found or len(found) < len(grant.evidence_ids):
        raise EvidenceNotFound
    if grant.action is not GrantedAction.EXPORT and any(one.item.scan is Scan.INFECTED for one in found):
        raise EvidenceInfected
    return found


async def _use(parts: EvidenceParts, grant: Grant, opened: Sequence[StoredItem]) -> None:
    async with parts.database.transaction() as session:
        now = parts.clock.now()
        await use_grant(session, grant.grant_id, now)
        await record_opened(session, [one.item.evidence_id for one in opened], now)


def _download(parts: EvidenceParts, stored: StoredItem) -> Response:
    item = stored.item
    headers = {
        **SAFE,
        "content-disposition": f'attachment; filename="evidence-{item.evidence_id}{BY_NAME[item.media_type].suffix}"',
        "content-length": str(item.size),
    }
    return StreamingResponse(_chunks(parts, stored), headers=headers, media_type="application/octet-stream")


async def _chunks(parts: EvidenceParts, stored: StoredItem) -> AsyncIterator[bytes]:
    async for chunk in parts.objects.read(stored.object_name):
        yield chunk
