"""/report/api/v1/reports/{reference}/evidence: a reporter's files."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.intake.evidence.attachments import attach_received
from services.intake.evidence.dependencies import EvidencePartsDep, ReportOfClient
from services.intake.evidence.domain import Adder, EvidenceItem
from services.intake.evidence.handlers import remove
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.queries import items_of
from services.intake.evidence.uploads import receive_file

router = APIRouter(prefix="/report/api/v1", tags=["evidence"])

FILE_FORM: Mapping[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "One file."},
                        "note": {"type": "string", "maxLength": 2000, "description": "What it shows."},
                    },
                }
            }
        },
    }
}
"""The body of a route that reads its file as it arrives, which FastAPI cannot describe."""


class EvidenceBody(BaseModel):
    """A piece of evidence."""

    evidence_id: UUID
    sha256: str
    """Of what is kept, in hexadecimal."""
    sha256_sent: str
    """Of what was sent; an anonymous reporter's file is kept as a copy without place, device and author."""
    size: int
    media_type: str
    scan: str
    """`not_scanned`, `clean` or `infected`."""
    cleaned: bool
    """Whether what is kept is such a copy."""
    added_at: datetime
    name: str | None = None
    note: str | None = None
    message_id: UUID | None = None
    """The message that it came with."""
    link: int | None = None
    """Which link of the report it shows, counted from 0."""
    opened_at: datetime | None = None
    """When a team first looked at it; it cannot be deleted then."""

    @classmethod
    def of(cls, item: EvidenceItem) -> "EvidenceBody":
        """Return the body of `item`."""
        return cls.model_validate(item, from_attributes=True)


class EvidenceListBody(BaseModel):
    """What a reporter sent with a report, oldest first."""

    items: list[EvidenceBody]


@router.post(
    "/reports/{reference}/evidence",  # noqa: FAST003 - ReportOfClient takes it
    status_code=201,
    response_model_exclude_none=True,
    openapi_extra=dict(FILE_FORM),
)
async def post_evidence(request: Request, report: ReportOfClient, parts: EvidencePartsDep) -> EvidenceBody:
    """Add a file to a report: with its reporter's token, or with its receipt code in the header `Receipt-Code`."""
    upload = await receive_file(parts, request, Adder(report.report_id))
    return EvidenceBody.of(await attach_received(parts, upload))


@router.get("/reports/{reference}/evidence", response_model_exclude_none=True)  # noqa: FAST003 - ReportOfClient takes it
async def get_evidence(report: ReportOfClient, parts: EvidencePartsDep) -> EvidenceListBody:
    """List what you sent with a report, without what you took back."""
    async with parts.database.transaction() as session:
        items = (await items_of(session, [report.report_id])).get(report.report_id, ())
    return EvidenceListBody(items=[EvidenceBody.of(item) for item in items])


@router.delete("/reports/{reference}/evidence/{evidence_id}", status_code=204)  # noqa: FAST003 - ReportOfClient takes it
async def delete_evidence(evidence_id: UUID, report: ReportOfClient, parts: EvidencePartsDep) -> None:
    """Take a file back, until a team has opened it."""
    async with parts.database.transaction() as session:
        name = await remove(session, report, evidence_id, parts.clock.now(), parts.outbox)
    with suppress(StoreUnavailable):  # it is swept
        await parts.objects.delete([name])
