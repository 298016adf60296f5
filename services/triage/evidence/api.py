"""The public API for evidence: for responders by case, and for the line manager who works on a case of misuse."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as cases
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case, CaseNotFound
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

router = APIRouter(tags=["evidence"])

_CASE = "/cases/api/v1/cases/{case_id}/evidence"
_MANAGER = "/cases/for-manager/{reference}/evidence"
_CONTENT = [requires(Permission.SEE_CASE_CONTENT)]
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


async def _visit(work: WorkDep, case_id: UUID) -> Visit:
    return await handlers.visit(work, case_id)


async def _visit_as_manager(session: Transaction, principal: SignedIn, now: Now, ids: IdsDep, reference: str) -> Visit:
    if principal.staff_id is None:
        raise CaseNotFound
    return await handlers.visit_as_manager(session, principal.staff_id, reference, now, ids)


VisitDep = Annotated[Visit, Depends(_visit)]
ManagersVisit = Annotated[Visit, Depends(_visit_as_manager)]


@router.get(_CASE)
async def list_evidence(work: WorkDep, case_id: UUID) -> EvidenceList:
    """List the evidence of a case and its custody, without opening any. Reading a restricted case is recorded."""
    case = await cases.get(work.session, work.viewer, case_id)
    if case.restricted:
        await case_handlers.open_page(work, case_id)
    items = await queries.on_case(work.session, case, work.viewer)
    return EvidenceList(items=await entries(work.session, case, items))


@router.post(_CASE, dependencies=_CONTENT)
async def allow_upload(request: Request, visit: VisitDep, body: PurposeBody) -> UploadAllowed:
    """Let yourself add one file, such as your own capture or the platform’s reply. No claim is needed."""
    return _upload(request, await handlers.allow_upload(visit, body.purpose))


@router.post(_CASE + "/export", dependencies=_CONTENT)
async def export_evidence(request: Request, visit: VisitDep, body: ExportBody) -> Export:
    """Take a copy of the case’s evidence, with a manifest. It is recorded in the case’s chain."""
    return await _export(request, visit, body)


@router.post(_CASE + "/{evidence_id}/open", dependencies=_CONTENT)
async def open_evidence(request: Request, visit: VisitDep, evidence_id: UUID, body: OpenBody) -> Opened:
    """Open a piece of evidence. It is recorded in the case’s chain with your purpose; no claim is needed."""
    return await _open(request, visit, evidence_id, body)


@router.get(_MANAGER, include_in_schema=False)
async def list_as_manager(visit: ManagersVisit) -> EvidenceList:
    """List the evidence of a case of misuse that you work on as a line manager. It is recorded that you looked."""
    await handlers.note_managers_look(visit)
    items = await queries.on_case(visit.session, visit.case, None)
    return EvidenceList(items=await entries(visit.session, visit.case, items, only=visit.person))


@router.post(_MANAGER, include_in_schema=False)
async def allow_managers_upload(request: Request, visit: ManagersVisit, body: PurposeBody) -> UploadAllowed:
    """Let yourself add one file to a case of misuse that you work on as a line manager."""
    return _upload(request, await handlers.allow_upload(visit, body.purpose))


@router.post(_MANAGER + "/export", include_in_schema=False)
async def export_as_manager(request: Request, visit: ManagersVisit, body: ExportBody) -> Export:
    """Take a copy of the evidence of a case of misuse that you work on as a line manager."""
    return await _export(request, visit, body)


@router.post(_MANAGER + "/{evidence_id}/open", include_in_schema=False)
async def open_as_manager(request: Request, visit: ManagersVisit, evidence_id: UUID, body: OpenBody) -> Opened:
    """Open a piece of evidence of a case of misuse that you work on as a line manager."""
    return await _open(request, visit, evidence_id, body)


async def entries(
    session: Transaction, case: Case, items: Sequence[Evidence], *, only: str | None = None
) -> list[EvidenceEntry]:
    """Return pieces of evidence with their custody; `only` as in `queries.custody`."""
    kept = await queries.custody(session, case, items, only=only)
    return [EvidenceEntry.model_validate(_with_custody(item, kept)) for item in items]


def _with_custody(item: Evidence, kept: Mapping[UUID, Sequence[queries.CustodyEntry]]) -> Mapping[str, object]:
    return {name: getattr(item, name) for name in Evidence.__slots__} | {"custody": kept[item.evidence_id]}


async def manifest(visit: Visit, purpose: str, items: Sequence[Evidence], left_out: Sequence[UUID]) -> Manifest:
    """Return what an export holds, with the custody of each piece and the digest of it all."""
    only = None if visit.viewer else visit.person
    made = Manifest(
        case=visit.case.reference,
        exported_at=visit.now,
        exported_by=visit.person,
        purpose=purpose,
        items=await entries(visit.session, visit.case, items, only=only),
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


def _upload(request: Request, grant: Grant) -> UploadAllowed:
    return UploadAllowed(upload_url=_url(request, grant), expires_at=grant.expires_at)


async def _open(request: Request, visit: Visit, evidence_id: UUID, body: OpenBody) -> Opened:
    item, grant = await handlers.open_item(visit, evidence_id, body.opening)
    return Opened(url=_url(request, grant), expires_at=grant.expires_at, warning=warning(item), note=item.note)


async def _export(request: Request, visit: Visit, body: ExportBody) -> Export:
    items, left_out, grant = await handlers.export(visit, body.purpose, body.evidence_ids)
    return Export(
        url=_url(request, grant),
        expires_at=grant.expires_at,
        warning=next(filter(None, map(warning, items)), None),
        manifest=await manifest(visit, body.purpose, items, left_out),
    )
