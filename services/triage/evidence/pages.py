"""/cases/SP-…/evidence: the tab that lists evidence without showing any, and opens, adds and exports it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, params
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import queries as cases
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, led, opened, show, way_back
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.evidence import handlers, queries, views
from services.triage.evidence.api import address, manifest
from services.triage.evidence.domain import EvidenceNotFound, Form
from services.triage.evidence.forms import ADD, EXPORT, PurposeForm, field_of, read_purpose
from services.triage.evidence.handlers import Visit
from services.triage.evidence.refusals import REFUSALS
from services.triage.evidence.views import Asked, Piece, Preview
from services.triage.reports import queries as reports
from shared.auth.grants import LONGEST_BACK
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

_TAB = "/cases/SP-{rest}/evidence"
_REFUSALS = {**CASE_REFUSALS, **REFUSALS}
Carry = Callable[[PurposeForm], Awaitable[Response | Asked]]
"""Carries out what a form asks for: the answer, or what its page then shows."""


@router.get(_TAB)
async def evidence_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """List the evidence of a case without showing any."""
    return await _tab(request, work, await opened(work, rest), Asked())


@router.get(_TAB + "/{asked:path}")
async def evidence_again(request: Request, work: WorkDep, rest: str) -> RedirectResponse:
    """Go back to the tab from the address of one of its forms, as after a reload."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    return led(request, case, Tab.EVIDENCE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where someone works with evidence: at a case, on the page that shows it to them."""

    visit: Visit
    address: str
    """Of the page."""
    page: Callable[[Asked, int], Awaitable[HTMLResponse]]


def openings(path: str, place: Callable[..., Awaitable[Place]], content: Sequence[params.Depends] = ()) -> APIRouter:
    """Return the route of the form that opens a piece of evidence, for those whom `place` lets in."""
    routes = APIRouter(prefix=path, include_in_schema=False, dependencies=content)

    @routes.post("/{evidence_id}/{form}")
    async def open_piece(
        request: Request, at: Annotated[Place, Depends(place)], evidence_id: UUID, form: Form
    ) -> Response:
        """Show a preview on the page, or send the browser to the original."""
        return await _answered(request, at, str(evidence_id), partial(_opening, request, at.visit, evidence_id, form))

    return routes


def forms(path: str, place: Callable[..., Awaitable[Place]], content: Sequence[params.Depends] = ()) -> APIRouter:
    """Return the routes of the forms that open, add and copy evidence, for those whom `place` lets in."""
    routes = openings(path, place, content)

    @routes.post("/add")
    async def add_piece(request: Request, at: Annotated[Place, Depends(place)]) -> Response:
        """Show the field for a file, which the browser sends to intake."""
        return await _answered(request, at, ADD, partial(_adding, request, at))

    @routes.post("/copy")
    async def copy_pieces(request: Request, at: Annotated[Place, Depends(place)]) -> Response:
        """Send the browser to the files of all pieces, or give the record of their custody."""
        return await _answered(request, at, EXPORT, partial(_exporting, request, at.visit))

    return routes


async def _place(request: Request, work: WorkDep, rest: str) -> Place:
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    visit = await handlers.visit(work, case.case_id)

    async def page(asked: Asked, status: int) -> HTMLResponse:
        return await _tab(request, work, visit.case, asked, status)

    return Place(visit, f"/cases/{case.reference}/evidence", page)


router.include_router(forms(_TAB, _place, [requires(Permission.SEE_CASE_CONTENT)]))


async def _opening(
    request: Request, visit: Visit, evidence_id: UUID, form: Form, typed: PurposeForm
) -> Response | Asked:
    """Open a piece: the answer that sends the browser to intake, or the preview for the page."""
    asked = typed.opening(form)
    item, grant = await handlers.open_item(visit, evidence_id, asked)
    there = address(request, grant)
    [piece] = views.pieces([item], {evidence_id: ()})
    if form is Form.ORIGINAL or piece.is_read:
        return RedirectResponse(there, 303)
    return Asked(typed.purpose, Preview(evidence_id, there, asked.sharp, asked.colour))


async def _adding(request: Request, at: Place, typed: PurposeForm) -> Asked:
    """Allow one file; the browser comes back when intake has it, and the page says that it was added.

    It keeps the way back to the list, as far as that fits into a grant.
    """
    grant, back = await handlers.allow_upload(at.visit, typed.purpose), f"{at.address}{way_back(request, added='1')}"
    back = back if len(back) <= LONGEST_BACK else f"{at.address}?added=1"
    there = address(request, grant.model_copy(update={"back": back}))
    return Asked(typed.purpose, upload=there)


async def _exporting(request: Request, visit: Visit, typed: PurposeForm) -> Response:
    """Export all pieces, or the record of their custody."""
    if not typed.record:
        _, _, grant = await handlers.take_files(visit, typed.purpose)
        return RedirectResponse(address(request, grant), 303)
    items, left_out, _ = await handlers.export(visit, typed.purpose)
    record = await manifest(visit, typed.purpose, items, left_out)
    named = {"content-disposition": f'attachment; filename="{visit.case.reference}-custody.json"'}
    return Response(record.model_dump_json(indent=2), media_type="application/json", headers=named)


async def _answered(request: Request, at: Place, what: str, carry: Carry) -> Response:
    """Read a purpose and carry out what it is for; where that is refused, show the page with the reason."""
    typed = await read_purpose(request, what)
    again = Asked(typed.typed, field=typed.field, errors=typed.errors)
    if typed.errors:
        return await at.page(again, 422)
    try:
        done = await carry(typed)
    except EvidenceNotFound:
        raise
    except tuple(_REFUSALS) as error:
        status = record_refusal(refusal_of(error, _REFUSALS), error, typed.errors, typed.field)
        return await at.page(again, status)
    return await at.page(replace(done, field=typed.field), 200) if isinstance(done, Asked) else done


async def _tab(request: Request, work: Work, case: Case, asked: Asked, status: int = 200) -> HTMLResponse:
    items = await queries.on_case(work.session, case, work.viewer)
    kept = await queries.custody(work.session, case, items)
    report = await reports.read(work.session, case.report_id, content=False)
    there = f"/cases/{case.reference}/evidence"
    values = {
        **values_of(request, views.pieces(items, kept), asked, me=work.viewer.subject, base=there, there=there),
        "copies": False,
        "capture_missing": not case.finished and report.lacks_capture(items),
    }
    people = [entry.by for entries in kept.values() for entry in entries]
    shown = Shown(values, people, asked.errors)
    return await show(request, work, case, tab=Tab.EVIDENCE, shown=shown, status=status)


def values_of(
    request: Request, pieces: Sequence[Piece], asked: Asked, *, me: str, base: str, there: str
) -> dict[str, object]:
    """Return what the template `evidence.html` needs.

    Args:
        request: the request, which says whether the browser comes back from adding a file.
        pieces: what the person may see.
        asked: what they typed, and what they see because of it.
        me: their staff id.
        base: where the addresses of the forms begin.
        there: the page itself.
    """
    added = request.query_params.get("added") == "1"
    words = {"evidence": views, "field_of": field_of}
    kept = {"kept": way_back(request), "kept_added": way_back(request, added="1")}
    return {**words, **kept, "pieces": pieces, "asked": asked, "me": me, "base": base, "there": there, "added": added}
