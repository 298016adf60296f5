"""`/alerts/my-team`: the alerts sent to whoever is signed in. Being a manager is a relation, not a role (R-b)."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.notifier.acknowledgement.forms import read_answer
from services.notifier.acknowledgement.handlers import Answering
from services.notifier.alerts.queries import AlertView, Viewer, alert_with_id
from services.notifier.my_team.queries import my_team
from shared.auth.guard import SignedIn
from shared.auth.principal import Principal
from shared.ids import AlertId
from shared.web.dependencies import Now, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import standard_problem

router = APIRouter(prefix="/alerts/my-team", include_in_schema=False)
_HERE = "/alerts/my-team"


def _answering(request: Request) -> Answering:
    return cast(Answering, request.app.state.answering)


AnsweringDep = Annotated[Answering, Depends(_answering)]


@router.get("", response_class=HTMLResponse)
async def page(request: Request, principal: SignedIn, session: Transaction) -> HTMLResponse:
    """Show what needs this person now, and below what is done."""
    return render(request, "my_team/page.html", team=await my_team(session, _viewer(principal)))


@router.post("/{alert_id}")
async def acknowledge(
    request: Request, alert_id: UUID, principal: SignedIn, session: Transaction, answering: AnsweringDep, now: Now
) -> Response:
    """Take this person's answer to one of their alerts; a second answer changes nothing."""
    alert = await _own_alert(session, alert_id, _viewer(principal))
    given = read_answer(await read_form(request))
    if given is None:
        errors = FormErrors({f"answer-{alert_id}": "Choose one of the three answers"})
        return render(request, "my_team/page.html", 422, team=await my_team(session, _viewer(principal)), errors=errors)
    await answering.answer(session, alert.alert_id, given, now)
    return RedirectResponse(_HERE, status_code=303)


async def _own_alert(session: Transaction, alert_id: UUID, viewer: Viewer) -> AlertView:
    """Return the alert; somebody else's is as unknown as one that never was."""
    alert = await alert_with_id(session, AlertId(alert_id))
    if alert is None or not viewer.received(alert):
        raise standard_problem(404)
    return alert


def _viewer(principal: Principal) -> Viewer:
    return Viewer(principal.staff_id, principal.email)
