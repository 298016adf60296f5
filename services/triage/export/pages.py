"""/cases/SP-…/export: choose what others get of a case, see it masked, then make it. /cases/SP-…/print: its PDF."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.dependencies import CaseParts, ViewerDep, WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.pages import opened, way_back
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.evidence import views as evidence
from services.triage.evidence.api import address
from services.triage.evidence.refusals import REFUSALS as EVIDENCE_REFUSALS
from services.triage.export import domain, handlers, pdf
from services.triage.export.domain import MOST_OFFERED, Choice, Purpose
from services.triage.export.forms import ExportForm, read_export
from services.triage.export.handlers import Prepared
from services.triage.export.refusals import REFUSALS
from services.triage.export.views import RECIPIENTS
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.runtime import parts_of
from shared.web.forms import FormErrors
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)
_CASE = "/cases/SP-{rest}"
_CONTENT = requires(Permission.SEE_CASE_CONTENT)
_REFUSALS = {**CASE_REFUSALS, **EVIDENCE_REFUSALS, **REFUSALS}


@router.get(_CASE + "/export")
async def begin_export(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Ask who gets the export and why; nothing that people wrote is shown yet."""
    return _page(request, await opened(work, rest))


@router.post(_CASE + "/export", dependencies=[_CONTENT])
async def export(request: Request, viewer: ViewerDep, rest: str) -> Response:
    """Show what the export will hold, masked as chosen; or make it.

    Between reading and recording no transaction is open: masking, the PDF and packing take their time, in threads and
    in a process of its own. What changed meanwhile is refused.
    """
    form = await read_export(request)
    async with _working(request, viewer) as work:
        case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
        if form.choice is None:
            return _page(request, case, form, status=422)
        try:
            if form.makes and form.version != case.version:
                raise cases.CaseChanged(await cases.since(work.session, case.case_id, form.version or 0), case.version)
            found = await (handlers.read if form.makes else handlers.show)(work, case)
        except tuple(_REFUSALS) as error:
            return _refused(request, case, form, error)
    prepared = await asyncio.to_thread(handlers.prepare, found, form.choice)
    if not form.makes:
        return _page(request, prepared.case, form, prepared)
    try:
        if form.seen != prepared.seen:
            raise cases.CaseChanged([], prepared.case.version)
        return await _made(request, viewer, prepared)
    except tuple(_REFUSALS) as error:
        return _refused(request, case, form, error)


@router.post(_CASE + "/print", dependencies=[_CONTENT])
async def print_case(request: Request, viewer: ViewerDep, rest: str) -> Response:
    """Give the case as a PDF, with all other people masked."""
    async with _working(request, viewer) as work:
        case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
        found = await handlers.show(work, case)
    prepared = await asyncio.to_thread(handlers.prepare, found, Choice(Purpose.PRINT, "", None, internal=True))
    made = await pdf.made(prepared.document, found.at, parts_of(request, CaseParts).printing)
    async with _working(request, viewer) as work:
        await handlers.record_print(work, prepared)
    headers = {"content-disposition": f'inline; filename="{prepared.case.reference}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


@asynccontextmanager
async def _working(request: Request, viewer: Viewer) -> AsyncIterator[Work]:
    """Open a transaction in which a responder works on cases."""
    parts = parts_of(request, CaseParts)
    async with parts.database.transaction() as session:
        yield Work(session, viewer, parts.clock.now(), parts.writer())


async def _made(request: Request, viewer: Viewer, prepared: Prepared) -> HTMLResponse:
    parts = parts_of(request, CaseParts)
    made = await pdf.made(prepared.document, parts.clock.now(), parts.printing)
    packed = await asyncio.to_thread(handlers.pack, prepared, made)
    async with _working(request, viewer) as work:
        grant, documents = await handlers.export(work, prepared, packed)
    return render(
        request,
        "export_made.html",
        case=prepared.case,
        kept=way_back(request),
        address=f"{address(request, grant)}/case",
        documents=base64.b64encode(documents).decode(),
        pieces=len(grant.evidence_ids),
        expires_at=grant.expires_at,
    )


def _refused(request: Request, case: Case, form: ExportForm, error: Exception) -> HTMLResponse:
    """Show the first page again with the reason: what was chosen is previewed once more."""
    errors = FormErrors()
    status = record_refusal(refusal_of(error, _REFUSALS), error, errors, "purpose")
    return _page(request, case, form, status=status, errors=errors)


def _page(
    request: Request,
    case: Case,
    form: ExportForm | None = None,
    prepared: Prepared | None = None,
    *,
    status: int = 200,
    errors: FormErrors | None = None,
) -> HTMLResponse:
    items = [one.item for one in prepared.pieces] if prepared else []
    offered = {one.evidence_id for one in domain.offered(items)}
    pieces = evidence.pieces(items, {one.evidence_id: () for one in items})
    return render(
        request,
        "case_export.html",
        status,
        case=case,
        kept=way_back(request),
        form=form,
        prepared=prepared,
        words=prepared.words[:MOST_OFFERED] if prepared else [],
        further=max(0, len(prepared.words) - MOST_OFFERED) if prepared else 0,
        pieces=[one for one in pieces if one.item.evidence_id in offered],
        not_offered=sum(one.openable for one in pieces) - len(offered),
        recipients=RECIPIENTS,
        errors=errors or (form.errors if form else {}),
    )
