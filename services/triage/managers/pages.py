"""The page of a line manager who works on a case of misuse (R-d): the allegation and the evidence, nothing else."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.triage.cases import activities, views
from services.triage.deadlines import queries as deadlines
from services.triage.evidence import queries as evidence
from services.triage.evidence import views as evidence_views
from services.triage.evidence.api import ManagersVisit
from services.triage.evidence.handlers import CONTENT_SHOWN, MANAGER_LOOKED, Visit, note_look
from services.triage.evidence.pages import Place, forms, values_of
from services.triage.evidence.views import Asked
from services.triage.reports import queries as reports
from shared.audit import chain
from shared.people import Names
from shared.web.forms import FormErrors
from shared.web.pages import render

router = APIRouter(include_in_schema=False)

_PAGE = "/cases/for-manager/{reference}"


@router.get(_PAGE)
async def manager_page(request: Request, visit: ManagersVisit) -> HTMLResponse:
    """Show the case to the manager who works on it, and to no one else; record that they looked."""
    await note_look(visit, MANAGER_LOOKED)
    return await _page(request, visit, content=False)


@router.post(_PAGE)
async def show_content(request: Request, visit: ManagersVisit) -> HTMLResponse:
    """Show what was written as well, because the manager asked to see it."""
    await note_look(visit, CONTENT_SHOWN)
    return await _page(request, visit, content=True)


@router.get(_PAGE + "/evidence/{asked:path}")
async def evidence_again(visit: ManagersVisit) -> RedirectResponse:
    """Go back to the case from the address of one of its forms, as after a reload."""
    return RedirectResponse(f"/cases/for-manager/{visit.case.reference}#evidence", 303)


async def _place(request: Request, visit: ManagersVisit) -> Place:
    async def page(asked: Asked, status: int) -> HTMLResponse:
        return await _page(request, visit, content=False, asked=asked, status=status)

    return Place(visit, f"/cases/for-manager/{visit.case.reference}", page)


router.include_router(forms(_PAGE + "/evidence", _place))


async def _page(
    request: Request, visit: Visit, *, content: bool, asked: Asked | None = None, status: int = 200
) -> HTMLResponse:
    session, case = visit.session, visit.case
    report = await reports.read(session, case.report_id, content=content)
    items = await evidence.on_case(session, case, None)
    pieces = evidence_views.pieces(items, await evidence.custody(session, case, items, only=visit.only))
    asked = asked or Asked()
    [clocks] = (await deadlines.of_cases(session, [case.case_id])).values()
    done = await chain.read(session, case.case_id)
    there = f"/cases/for-manager/{case.reference}"
    return render(
        request,
        "manager_case.html",
        status,
        case=case,
        act_by=min((clock.due_at for clock in clocks if clock.running), default=None),
        referred_at=next((one.at for one in reversed(done) if one.action == "referred_to_sirt"), None),
        rows=views.allegation(report),
        report=report,
        content=content,
        wording=views,
        record=activities,
        names=Names(),
        errors=asked.errors or FormErrors(),
        copies=visit.copies,
        **values_of(request, pieces, asked, me=visit.person, base=f"{there}/evidence", there=there),
    )
