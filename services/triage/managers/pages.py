"""The page of a line manager who works on a case of misuse (R-d): the allegation and the evidence, nothing else."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries, views
from services.triage.cases.domain import Case, CaseNotFound
from services.triage.managers.handlers import note_look
from services.triage.reports import queries as reports
from shared.auth.guard import SignedIn
from shared.auth.permissions import Principal
from shared.web.dependencies import IdsDep, Now, Transaction
from shared.web.pages import render

router = APIRouter(include_in_schema=False)

_PAGE = "/cases/for-manager/{reference}"


@router.get(_PAGE)
async def manager_page(
    request: Request, session: Transaction, principal: SignedIn, now: Now, ids: IdsDep, reference: str
) -> HTMLResponse:
    """Show the case to the manager who works on it, and to no one else; record that they looked."""
    case = await _theirs(session, principal, reference)
    await note_look(session, case, "manager_looked", now, ids)
    return await _page(request, session, case, content=False)


@router.post(_PAGE)
async def show_content(
    request: Request, session: Transaction, principal: SignedIn, now: Now, ids: IdsDep, reference: str
) -> HTMLResponse:
    """Show what was written as well, because the manager asked to see it."""
    case = await _theirs(session, principal, reference)
    await note_look(session, case, "content_shown", now, ids)
    return await _page(request, session, case, content=True)


async def _theirs(session: AsyncSession, principal: Principal, reference: str) -> Case:
    if principal.staff_id is None:
        raise CaseNotFound
    return await queries.of_manager(session, principal.staff_id, reference)


async def _page(request: Request, session: AsyncSession, case: Case, *, content: bool) -> HTMLResponse:
    report = await reports.read(session, case.report_id, content=content)
    return render(
        request,
        "manager_case.html",
        case=case,
        rows=views.allegation(report),
        report=report,
        content=content,
        wording=views,
    )
