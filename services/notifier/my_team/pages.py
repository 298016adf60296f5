"""`/alerts/my-team`: what was sent to whoever is signed in. Being a manager is a relation, not a role (R-b)."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.notifier.acknowledgement.forms import read_answer
from services.notifier.alerts.domain import day_of
from services.notifier.alerts.queries import AlertView, Viewer, alert_with_id
from services.notifier.awareness.pages import Version
from services.notifier.directory.signed_in import AsListed
from services.notifier.my_team import wording
from services.notifier.my_team.dependencies import HERE, AnsweringDep, viewer_of
from services.notifier.my_team.queries import Pages, awareness_of_people, my_team
from shared.ids import AlertId
from shared.web.dependencies import Now, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import standard_problem

router = APIRouter(prefix=HERE, include_in_schema=False)
After = Annotated[UUID | None, Query()]


@router.get("", response_class=HTMLResponse)
async def page(
    request: Request,
    principal: AsListed,
    session: Transaction,
    now: Now,
    waiting_after: After = None,
    done_after: After = None,
) -> HTMLResponse:
    """Show what needs this person now, and below what is done."""
    pages = Pages(
        AlertId(waiting_after) if waiting_after else None,
        AlertId(done_after) if done_after else None,
    )
    return await _shown(request, session, viewer_of(principal), day_of(now), pages=pages)


@router.get("/people", response_class=HTMLResponse)
async def people(
    request: Request, principal: AsListed, session: Transaction, version: Version, now: Now
) -> HTMLResponse:
    """Show which acknowledgements of the policy are due and done among this person's people (R-b)."""
    known = await awareness_of_people(session, viewer_of(principal), day_of(now), version)
    return render(request, "my_team/people.html", people=known)


@router.post("/{alert_id}")
async def acknowledge(
    request: Request,
    alert_id: UUID,
    principal: AsListed,
    session: Transaction,
    answering: AnsweringDep,
    now: Now,
) -> Response:
    """Take this person's answer to one of their alerts; a second answer changes nothing."""
    viewer = viewer_of(principal)
    alert = await _own_alert(session, alert_id, viewer)
    given = read_answer(await read_form(request, FormErrors()))
    if given is None:
        errors = FormErrors({f"answer-{alert_id}": "Choose one of the three answers"})
        return await _shown(request, session, viewer, day_of(now), errors=errors)
    await answering.answer(session, alert.alert_id, given, now)
    return RedirectResponse(HERE, status_code=303)


async def _shown(
    request: Request,
    session: Transaction,
    viewer: Viewer,
    today: date,
    *,
    pages: Pages | None = None,
    errors: FormErrors | None = None,
) -> HTMLResponse:
    team = await my_team(session, viewer, pages or Pages(), today)
    context: dict[str, object] = {"team": team, "called": wording} | ({"errors": errors} if errors else {})
    return render(request, "my_team/page.html", 422 if errors else 200, **context)


async def _own_alert(session: Transaction, alert_id: UUID, viewer: Viewer) -> AlertView:
    """Return the alert; somebody else's is as unknown as one that never was."""
    alert = await alert_with_id(session, AlertId(alert_id))
    if alert is None or not viewer.received(alert):
        raise standard_problem(404)
    return alert
