"""The page for a change of shifts (`/cases/shift`): what is urgent, and what is due soon, each with its last note."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.triage.cases import lists, queries, views
from services.triage.cases.dependencies import CaseParts, ViewerDep
from services.triage.shifts.domain import SOON
from shared.people import names_of
from shared.runtime import parts_of
from shared.web.dependencies import Now, Transaction
from shared.web.pages import render

MOST = 100
"""Cases in each of the two lists; the queue has them all."""

router = APIRouter(include_in_schema=False)


@router.get("/cases/shift")
async def shift(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> HTMLResponse:
    """Show what the next shift has to know of: open P1 and P2, then what is due within four hours."""
    urgent, soon = await lists.to_hand_over(session, viewer, now + SOON, MOST + 1)
    shown = [*urgent[:MOST], *soon[:MOST]]
    notes = await queries.last_notes(session, [row.case.case_id for row in shown])
    return render(
        request,
        "shift.html",
        urgent=urgent[:MOST],
        more_urgent=len(urgent) > MOST,
        soon=soon[:MOST],
        more_soon=len(soon) > MOST,
        notes=notes,
        names=await names_of(session, [note.author for note in notes.values()]),
        viewer=viewer,
        wording=views,
        hours=parts_of(request, CaseParts).deadlines.hours,
    )
