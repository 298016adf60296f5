"""/report/uploads/: resumable uploads by tus 1.0 (creation, expiration, termination; https://tus.io/protocols).

Who may begin one shows it in the metadata: a `ticket` that a page of ours carries, a `grant` of triage, or the
`reference` of a report, with its reporter's bearer token or receipt code. After that the token in the address is all
that is asked for; a session says no more than whose bytes are counted. A file for a report that is there becomes
evidence with its last byte; one with a ticket waits for its form.
"""

import binascii
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from email.utils import format_datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.requests import ClientDisconnect

from services.intake.evidence import domain
from services.intake.evidence.attachments import attach_upload
from services.intake.evidence.dependencies import EvidenceParts, EvidencePartsDep, ReceiptCodeHeader, reported_by
from services.intake.evidence.domain import Adder, Said
from services.intake.evidence.downloads import adder_of
from services.intake.evidence.handlers import NewUpload, Upload
from services.intake.evidence.uploads import append, begin, counted, discard, examine, keep_for_form, note_of, waiting
from services.intake.media import media
from shared.auth import grants
from shared.auth.grants import Grant, GrantedAction, InvalidGrant
from shared.auth.guard import NotSignedIn, current_session, guarding
from shared.web.dependencies import at_most
from shared.web.problems import Problem, standard_problem

VERSION = "1.0.0"
FOLDER = "/report/uploads/"
PATH = FOLDER + "{token}"
_CONTENT = "application/offset+octet-stream"
_LONGEST_TOKEN = 100
_LINK_DIGITS = 3
_METADATA = frozenset({"filename", "note", "link", "ticket", "grant", "reference"})
router = APIRouter(tags=["uploads"], include_in_schema=False)
Length = Annotated[int | None, Header(ge=0)]


@guarding
async def _by_token(token: str, parts: EvidencePartsDep) -> Upload:
    """Return the upload of the token in the address.

    Raises:
        UploadNotFound: there is none, or it has expired.
    """
    if len(token) > _LONGEST_TOKEN:
        raise domain.UploadNotFound
    return await waiting(parts, token)


@guarding
async def _speaks_tus(tus_resumable: Annotated[str | None, Header()] = None) -> None:
    """Refuse another version of the protocol.

    Raises:
        Problem: 412, with the version that is spoken here.
    """
    if tus_resumable != VERSION:
        raise Problem(
            412,
            "tus-version",
            "Another version of tus is spoken here",
            f"Send Tus-Resumable: {VERSION}.",
            headers={"tus-version": VERSION},
        )


UploadByToken = Annotated[Upload, Depends(_by_token)]
SpeaksTus = Depends(_speaks_tus)


@guarding
async def _nothing_is_told() -> None:
    """Need no sign-in to ask which protocol is spoken."""


@router.options(FOLDER, dependencies=[Depends(_nothing_is_told)])
async def describe(parts: EvidencePartsDep) -> Response:
    """Return the version and extensions of tus, and the largest size."""
    most = str(parts.evidence_limits.most_bytes)
    spoken = {"tus-version": VERSION, "tus-extension": "creation,expiration,termination", "tus-max-size": most}
    return _answer(204, spoken)


@router.post(FOLDER, dependencies=[SpeaksTus, Depends(at_most("300/minute"))])
async def create(
    request: Request,
    parts: EvidencePartsDep,
    upload_length: Length = None,
    upload_metadata: Annotated[str, Header(max_length=16_000)] = "",
    receipt_code: ReceiptCodeHeader = None,
) -> Response:
    """Begin an upload; `Location` is its address."""
    if upload_length is None:
        raise standard_problem(400, detail="Send Upload-Length.")
    if not upload_length:
        raise domain.FileEmpty(media.WORDS[media.Reason.EMPTY])
    said = _metadata(upload_metadata)
    adder, ticket = await _allowed_by(request, parts, said, receipt_code)
    new = NewUpload(
        evidence_id=parts.ids.uuid(),
        said=Said(said.get("filename") or None, note_of(said.get("note")), _link(said.get("link", ""))),
        length=upload_length,
        waits=domain.WAITS,
        adder=adder,
        ticket=ticket,
    )
    upload = await begin(parts, new)
    return _answer(201, {"location": FOLDER + upload.token, **_expires(upload)})


@router.head(PATH, dependencies=[SpeaksTus])
async def progress(upload: UploadByToken) -> Response:
    """Say how far an upload is."""
    return _answer(200, {**_offset(upload), "upload-length": str(upload.length), **_expires(upload)})


@router.patch(PATH, dependencies=[SpeaksTus])
async def resume(
    request: Request,
    parts: EvidencePartsDep,
    upload: UploadByToken,
    upload_offset: Length = None,
    content_type: Annotated[str, Header()] = "",
) -> Response:
    """Continue an upload from where it is."""
    if content_type != _CONTENT:
        raise standard_problem(415, detail=f"Send {_CONTENT}.")
    if upload_offset != upload.received:
        raise domain.OffsetConflict
    if not upload.is_complete:
        try:
            body = counted(request, upload, _body(request))
            upload = await append(parts, upload, body, last_waits=upload.adder is not None)
        except ClientDisconnect:
            return Response(status_code=400)  # no one reads it; what arrived is kept
    return _answer(204, {**_offset(upload), **_expires(upload), **await _completed(parts, upload)})


@router.delete(PATH, dependencies=[SpeaksTus])
async def terminate(parts: EvidencePartsDep, upload: UploadByToken) -> Response:
    """Forget an upload. Evidence that it became stays: it is deleted by the report's own address."""
    await discard(parts, upload)
    return _answer(204, {})


async def _completed(parts: EvidenceParts, upload: Upload) -> Mapping[str, str]:
    """Make evidence of a whole upload for a report, or check one that waits for its form."""
    if not upload.is_complete:
        return {}
    if upload.adder:
        return {"evidence-id": str((await attach_upload(parts, upload)).evidence_id)}
    if not (upload.attached_at or upload.kind):
        try:
            kind = await examine(parts, upload)
        except domain.FileRefused:
            await discard(parts, upload)
            raise
        await keep_for_form(parts, replace(upload, kind=str(kind)))
    return {}


async def _allowed_by(
    request: Request, parts: EvidenceParts, said: Mapping[str, str], receipt_code: str | None
) -> tuple[Adder | None, bytes | None]:
    """Return who adds the file, or what counts it while it waits for a form.

    Raises:
        NotSignedIn: nothing that was sent allows it.
        InvalidGrant, GrantExpired: a grant was sent, and does not.
        ReportNotFound, TooManyAttempts: the report is not theirs.
    """
    now = parts.clock.now()
    if text := said.get("grant"):
        grant = Grant.unseal(text, parts.settings.derive_keys(grants.PURPOSE), now)
        if grant.action is not GrantedAction.ADD:
            raise InvalidGrant
        return adder_of(grant), None
    if ticket := parts.tickets.read(said.get("ticket", ""), now):
        return None, ticket
    if reference := said.get("reference"):
        session = current_session(request) if "authorization" in request.headers else None
        sender = session.principal if session else None
        report = await reported_by(request, parts, reference, sender, receipt_code)
        return Adder(report.report_id), None
    raise NotSignedIn


def _metadata(header: str) -> Mapping[str, str]:
    """Read `Upload-Metadata`: names, each with a value in base64.

    Raises:
        Problem: 400, it is malformed.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            read = b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise standard_problem(400, detail="Upload-Metadata cannot be read.") from None
        if name in _METADATA:
            found[name] = read
    return found


def _link(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LINK_DIGITS else None


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk


def _answer(status: Literal[200, 201, 204], headers: Mapping[str, str]) -> Response:
    return Response(status_code=status, headers={"tus-resumable": VERSION, "cache-control": "no-store", **headers})


def _offset(upload: Upload) -> Mapping[str, str]:
    return {"upload-offset": str(upload.received)}


def _expires(upload: Upload) -> Mapping[str, str]:
    return {"upload-expires": format_datetime(upload.expires_at, usegmt=True)}
