"""A manager's misuse cases: record what was done, or refer to SIRT. Only for the assigned manager (R-c, R-d)."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.notifier.alerts.domain import day_of
from services.notifier.directory.signed_in import AsListed
from services.notifier.misuse import handlers as misuse
from services.notifier.misuse.handlers import AlreadyDone, NotAssignedToThem
from services.notifier.misuse.queries import AssignedCase, open_case
from services.notifier.my_team import wording
from services.notifier.my_team.dependencies import HERE, AnsweringDep
from services.notifier.my_team.forms import read_action, typed
from shared.auth.principal import Principal
from shared.events.vocabulary import Acknowledgement
from shared.ids import AlertId, CaseId, StaffId
from shared.web.dependencies import Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import standard_problem

router = APIRouter(prefix=f"{HERE}/cases/{{case_id}}", include_in_schema=False)


@router.get("/action", response_class=HTMLResponse)
async def ask_for_action(request: Request, case_id: UUID, principal: AsListed, session: Transaction) -> HTMLResponse:
    """Ask what the manager did and when."""
    return _page(request, "my_team/action.html", await _own(session, case_id, principal))


@router.post("/action")
async def record_action(
    request: Request,
    case_id: UUID,
    principal: AsListed,
    session: Transaction,
    answering: AnsweringDep,
    outbox: OutboxDep,
    now: Now,
) -> Response:
    """Record it; the alert that asked for it is acknowledged by it."""
    case = await _own(session, case_id, principal)
    errors = FormErrors()
    fields = await read_form(request, errors)
    done = read_action(fields, day_of(now), errors)
    if done is None:
        return _page(request, "my_team/action.html", case, 422, errors=errors, typed=typed(fields))
    manager = StaffId(principal.staff_id or "")
    try:
        alert_id = await misuse.record_action(session, case.case_id, manager, done, now, outbox=outbox)
    except (AlreadyDone, NotAssignedToThem):
        return _page(request, "my_team/over.html", case, 409)
    await answering.answer(session, AlertId(alert_id), Acknowledgement.CONFIRMED, now)
    return RedirectResponse(HERE, status_code=303)


@router.get("/refer", response_class=HTMLResponse)
async def ask_to_refer(request: Request, case_id: UUID, principal: AsListed, session: Transaction) -> HTMLResponse:
    """Say what referring means, and ask whether that is meant."""
    return _page(request, "my_team/refer.html", await _own(session, case_id, principal))


@router.post("/refer")
async def refer(
    request: Request,
    case_id: UUID,
    principal: AsListed,
    session: Transaction,
    answering: AnsweringDep,
    outbox: OutboxDep,
    now: Now,
) -> Response:
    """Refer the case to SIRT; it stays with the manager too."""
    case = await _own(session, case_id, principal)
    manager = StaffId(principal.staff_id or "")
    try:
        alert_id = await misuse.refer_to_sirt(session, case.case_id, manager, now, outbox=outbox)
    except (AlreadyDone, NotAssignedToThem):
        return _page(request, "my_team/over.html", case, 409)
    await answering.answer(session, AlertId(alert_id), Acknowledgement.CONFIRMED, now)
    return RedirectResponse(HERE, status_code=303)


def _page(
    request: Request, template: str, case: AssignedCase, status_code: int = 200, **context: object
) -> HTMLResponse:
    if case.ended_at and template != "my_team/over.html":
        return render(request, "my_team/over.html", 409, case=case, called=wording)
    shown: dict[str, object] = {"typed": {}, "case": case, "called": wording}
    return render(request, template, status_code, **(shown | context))


async def _own(session: Transaction, case_id: UUID, principal: Principal) -> AssignedCase:
    """Return the case; somebody else's is as unknown as one that never was."""
    case = await open_case(session, CaseId(case_id), principal.staff_id)
    if case is None:
        raise standard_problem(404)
    return case
