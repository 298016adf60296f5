"""The public API for evidence: for responders by case, and for the line manager who works on a case of misuse."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, params
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases.dependencies import WorkDep
from services.triage.evidence import handlers, queries
from services.triage.evidence.domain import LONGEST_PURPOSE, MOST_IN_AN_EXPORT, Form, Opening, warning
from services.triage.evidence.handlers import Visit
from services.triage.reports.domain import Evidence
from shared.auth.grants import PURPOSE, Grant
from shared.auth.guard import SignedIn, requires
from shared.auth.permissions import Permission
from shared.runtime import Parts, parts_of
from shared.web.bodies import Body, Bool, Name
from shared.web.dependencies import IdsDep, Now, Transaction

_Purpose = Annotated[Name, Field(min_length=1, max_length=LONGEST_PURPOSE)]


class CustodyItem(BaseModel):
    """One thing that happened to a piece of evidence, from the case's hash chain."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    at: AwareDatetime
    action: str = Field(description="`added`, `scanned`, `removed`, `opened` or `exported`.")
    by: str = Field(description="A staff id, `reporter`, `system:…`; `team` where you may not know who it was.")
    form: str | None
    shown: str | None = Field(description="How a preview was shown.")
    scan: str | None
    purpose: str | None


class EvidenceEntry(BaseModel):
    """A piece of evidence: what it is, never its bytes or its name."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    evidence_id: UUID
    sha256: str
    sha256_sent: str = Field(description="Of what came; it differs where a copy without metadata is kept.")
    size: int
    media_type: str
    scan: str
    cleaned: bool
    added_by: str
    added_at: AwareDatetime
    link: int | None = Field(description="Which link of the report it shows, counted from 0.")
    removed_at: AwareDatetime | None = Field(description="When its reporter took it back.")
    custody: Sequence[CustodyItem]


class EvidenceList(BaseModel):
    """The evidence of a case, oldest first."""

    items: Sequence[EvidenceEntry]


class OpenBody(Body):
    """Why you open it, and in which form. A preview is blurred and grey unless you ask otherwise."""

    purpose: _Purpose
    form: Form = Form.ORIGINAL
    sharp: Bool = False
    colour: Bool = False

    @property
    def opening(self) -> Opening:
        """The body as the use case takes it."""
        return Opening(self.purpose, self.form, sharp=self.sharp, colour=self.colour)


class PurposeBody(Body):
    """Why you add a file."""

    purpose: _Purpose


class ExportBody(Body):
    """Why you take a copy, and of which pieces; of all of them if you name none."""

    purpose: _Purpose
    evidence_ids: Annotated[tuple[UUID, ...], Field(max_length=MOST_IN_AN_EXPORT)] = ()


class Opened(BaseModel):
    """An address that works once, until `expires_at`."""

    url: str
    expires_at: AwareDatetime
    warning: str | None = Field(None, description="What to know before you open it: it was not scanned for viruses.")
    note: str | None = Field(None, description="What the person who added it says about it.")


class UploadAllowed(BaseModel):
    """An address that takes one file (multipart `file`, optional `note`) until `expires_at`."""

    upload_url: str
    expires_at: AwareDatetime


class Manifest(BaseModel):
    """What an export holds. `sha256` is of the canonical JSON (sorted keys, no spaces, UTF-8) of everything else."""

    case: str
    exported_at: AwareDatetime
    exported_by: str
    purpose: str
    items: Sequence[EvidenceEntry]
    left_out: Sequence[UUID] = Field(description="Taken back by the reporter, infected, or not asked for.")
    sha256: str = ""


class Export(BaseModel):
    """The address of a zip of the files and its own `manifest.json`, and the manifest with the custody of each."""

    url: str
    expires_at: AwareDatetime
    warning: str | None = Field(None, description="What to know before you open them.")
    manifest: Manifest


async def _look(work: WorkDep, case_id: UUID) -> Visit:
    return await handlers.look(work, case_id)


async def _visit(work: WorkDep, case_id: UUID) -> Visit:
    return await handlers.visit(work, case_id)


async def _visit_as_manager(session: Transaction, principal: SignedIn, now: Now, ids: IdsDep, reference: str) -> Visit:
    return await handlers.visit_as_manager(session, principal, reference, now, ids)


ManagersVisit = Annotated[Visit, Depends(_visit_as_manager)]
"""The line manager who works on a case of misuse; others are told that there is none."""


async def _look_as_manager(visit: ManagersVisit) -> Visit:
    await handlers.note_look(visit, handlers.MANAGER_LOOKED)
    return visit


def _calls(
    path: str,
    looks: Callable[..., Awaitable[Visit]],
    visits: Callable[..., Awaitable[Visit]],
    content: Sequence[params.Depends] = (),
) -> APIRouter:
    """Return the calls on the evidence of a case, for those whom `looks` lets to the list, and `visits` to the rest."""
    calls = APIRouter(prefix=path, tags=["evidence"])

    @calls.get("")
    async def list_evidence(visit: Annotated[Visit, Depends(looks)]) -> EvidenceList:
        """List the evidence of a case and its custody, without opening any.

        It is recorded if a responder reads a restricted case, or a line manager theirs.
        """
        return EvidenceList(items=await _entries(visit, await queries.on_case(visit.session, visit.case, visit.viewer)))

    @calls.post("", dependencies=content)
    async def allow_upload(
        request: Request, visit: Annotated[Visit, Depends(visits)], body: PurposeBody
    ) -> UploadAllowed:
        """Let yourself add one file, such as your own capture or the platform’s reply. No claim is needed."""
        grant = await handlers.allow_upload(visit, body.purpose)
        return UploadAllowed(upload_url=_url(request, grant), expires_at=grant.expires_at)

    @calls.post("/export", dependencies=content)
    async def export_evidence(request: Request, visit: Annotated[Visit, Depends(visits)], body: ExportBody) -> Export:
        """Take a copy of the case’s evidence, with a manifest. It is in the case’s chain, and counts as one showing."""
        return await _export(request, visit, body)

    @calls.post("/{evidence_id}/open", dependencies=content)
    async def open_evidence(
        request: Request, visit: Annotated[Visit, Depends(visits)], evidence_id: UUID, body: OpenBody
    ) -> Opened:
        """Open a piece of evidence. It is recorded in the case’s chain with your purpose; no claim is needed."""
        item, grant = await handlers.open_item(visit, evidence_id, body.opening)
        return Opened(url=_url(request, grant), expires_at=grant.expires_at, warning=warning(item), note=item.note)

    return calls


router = _calls("/cases/api/v1/cases/{case_id}/evidence", _look, _visit, [requires(Permission.SEE_CASE_CONTENT)])
managers_router = _calls("/cases/for-manager/{reference}/evidence", _look_as_manager, _visit_as_manager)


async def _entries(visit: Visit, items: Sequence[Evidence]) -> list[EvidenceEntry]:
    """Return pieces of evidence with their custody, as this person may know it."""
    kept = await queries.custody(visit.session, visit.case, items, only=visit.only)
    return [EvidenceEntry.model_validate(_with_custody(item, kept)) for item in items]


def _with_custody(item: Evidence, kept: Mapping[UUID, Sequence[queries.CustodyEntry]]) -> Mapping[str, object]:
    return {name: getattr(item, name) for name in Evidence.__slots__} | {"custody": kept[item.evidence_id]}


async def manifest(visit: Visit, purpose: str, items: Sequence[Evidence], left_out: Sequence[UUID]) -> Manifest:
    """Return what an export holds, with the custody of each piece and the digest of it all."""
    made = Manifest(
        case=visit.case.reference,
        exported_at=visit.now,
        exported_by=visit.person,
        purpose=purpose,
        items=await _entries(visit, items),
        left_out=left_out,
    )
    content = made.model_dump(mode="json", exclude={"sha256"})
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return made.model_copy(update={"sha256": hashlib.sha256(text.encode()).hexdigest()})


def address(request: Request, grant: Grant) -> str:
    """Return where intake carries out a grant, as a path."""
    keys = parts_of(request, Parts).settings.derive_keys(PURPOSE)
    return f"/report/evidence/{grant.seal(keys)}"


def _url(request: Request, grant: Grant) -> str:
    return parts_of(request, Parts).settings.public_url.rstrip("/") + address(request, grant)


async def _export(request: Request, visit: Visit, body: ExportBody) -> Export:
    items, left_out, grant = await handlers.take_files(visit, body.purpose, body.evidence_ids)
    return Export(
        url=_url(request, grant),
        expires_at=grant.expires_at,
        warning=next(filter(None, map(warning, items)), None),
        manifest=await manifest(visit, body.purpose, items, left_out),
    )
