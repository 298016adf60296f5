"""What a manager found without a report: category, day and which of their people (R-d). Kept, and told to nobody."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.notifier.alerts.domain import day_of
from services.notifier.directory.signed_in import AsListed
from services.notifier.misuse.handlers import record_finding
from services.notifier.my_team import wording
from services.notifier.my_team.dependencies import HERE, viewer_of
from services.notifier.my_team.forms import read_finding, typed
from services.notifier.my_team.queries import people_of
from shared.ids import StaffId
from shared.web.dependencies import IdsDep, Now, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render

router = APIRouter(prefix=f"{HERE}/findings", include_in_schema=False)
_TEMPLATE = "my_team/finding.html"


@router.get("/new", response_class=HTMLResponse)
async def ask(request: Request, principal: AsListed, session: Transaction, now: Now) -> HTMLResponse:
    """Ask what was found, about whom and when."""
    people = await people_of(session, viewer_of(principal), day_of(now))
    return render(request, _TEMPLATE, people=people, typed={}, called=wording)


@router.post("/new")
async def record(request: Request, principal: AsListed, session: Transaction, ids: IdsDep, now: Now) -> Response:
    """Keep it."""
    people = await people_of(session, viewer_of(principal), day_of(now))
    errors = FormErrors()
    fields = await read_form(request, errors)
    found = read_finding(fields, {member.staff_id for member in people}, day_of(now), errors)
    if found is None:
        return render(request, _TEMPLATE, 422, people=people, typed=typed(fields), called=wording, errors=errors)
    manager = StaffId(principal.staff_id or "")
    await record_finding(session, manager, found.person, found.category, found.found_on, now, ids=ids)
    return RedirectResponse(HERE, status_code=303)
