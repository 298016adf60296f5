"""`/alerts/my-team` and `/alerts/awareness`: what needs the signed-in person, and what they have read.

Being a manager is a relation, not a role (R-b): each page asks the directory, and each misuse case knows its manager
(R-c, R-d).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.notifier.acknowledgement.pages import CHOOSE_AN_ANSWER, AcknowledgementsDep
from services.notifier.alerts.domain import day_of
from services.notifier.alerts.queries import AlertView, Viewer, alert_with_id
from services.notifier.directory.domain import StaffMember
from services.notifier.directory.signed_in import AsListed
from services.notifier.misuse import handlers as misuse
from services.notifier.misuse.queries import AssignedCase, open_case
from services.notifier.my_team import forms, handlers, queries
from services.notifier.my_team.domain import DOCUMENTS, KEYS, Awareness
from shared.auth.permissions import Principal
from shared.events.vocabulary import Acknowledgement
from shared.ids import AlertId, CaseId, StaffId
from shared.runtime import Parts, parts_of
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render, show_form
from shared.web.problems import standard_problem
from shared.web.refusals import Refusal, Refusals, refusal_of

router = APIRouter(prefix="/alerts", include_in_schema=False)
HERE = "/alerts/my-team"
After = Annotated[UUID | None, Query()]
_DONE = Refusal(
    409,
    "done-before",
    "This was done before",
    "It is recorded already, or the case is finished or with another team. Nothing was changed.",
)
REFUSALS: Refusals = {misuse.AlreadyDone: _DONE, misuse.NotAssignedToThem: _DONE}
"""The case was still with the manager when the page was shown."""


@dataclass(frozen=True, kw_only=True)
class AwarenessParts(Parts):
    """What these routes need besides the parts of every service."""

    policy_version: str


async def policy_version(request: Request) -> str:
    """Return the version of the policy that is in force."""
    return parts_of(request, AwarenessParts).policy_version


Version = Annotated[str, Depends(policy_version)]


@router.get("/my-team", response_class=HTMLResponse)
async def page(
    request: Request,
    principal: AsListed,
    session: Transaction,
    now: Now,
    waiting_after: After = None,
    done_after: After = None,
) -> HTMLResponse:
    """Show what needs this person now and, below, what is done."""
    pages = queries.Pages(
        AlertId(waiting_after) if waiting_after else None,
        AlertId(done_after) if done_after else None,
    )
    return await _shown(request, session, _viewer_of(principal), day_of(now), pages=pages)


@router.get("/my-team/people", response_class=HTMLResponse)
async def people(
    request: Request, principal: AsListed, session: Transaction, version: Version, now: Now
) -> HTMLResponse:
    """Show which acknowledgements of this person's people are due and which are done (R-b)."""
    known = await queries.awareness_of_people(session, _viewer_of(principal), day_of(now), version)
    return render(request, "my_team/people.html", people=known)


@router.post("/my-team/{alert_id}")
async def acknowledge(
    request: Request,
    alert_id: UUID,
    principal: AsListed,
    session: Transaction,
    acknowledgements: AcknowledgementsDep,
    now: Now,
) -> Response:
    """Record this person's answer to one of their alerts; a second answer changes nothing."""
    viewer = _viewer_of(principal)
    alert = await _own_alert(session, alert_id, viewer)
    given = (await FormReader.posted(request)).choice("answer", Acknowledgement)
    if given is None:
        errors = FormErrors({f"answer-{alert_id}": CHOOSE_AN_ANSWER})
        return await _shown(request, session, viewer, day_of(now), errors=errors)
    await acknowledgements.answer(session, alert.alert_id, given, now)
    return RedirectResponse(HERE, status_code=303)


@router.get("/my-team/cases/{case_id}/action", response_class=HTMLResponse)
async def ask_for_action(request: Request, case_id: UUID, principal: AsListed, session: Transaction) -> HTMLResponse:
    """Ask what the manager did, and when."""
    return _action_page(request, await _own_case(session, case_id, principal))


@router.post("/my-team/cases/{case_id}/action")
async def record_action(
    request: Request,
    case_id: UUID,
    principal: AsListed,
    session: Transaction,
    acknowledgements: AcknowledgementsDep,
    outbox: OutboxDep,
    now: Now,
) -> Response:
    """Record what the manager did; this also acknowledges the alert that asked for it."""
    case = await _own_case(session, case_id, principal)
    form = await FormReader.posted(request)
    done = forms.read_action(form, day_of(now))
    if done is None:
        return _action_page(request, case, form)
    manager = StaffId(principal.staff_id or "")
    try:
        alert_id = await misuse.record_action(session, case.case_id, manager, done, now, outbox=outbox)
    except tuple(REFUSALS) as error:
        return _refused(request, case, error)
    await acknowledgements.answer(session, AlertId(alert_id), Acknowledgement.CONFIRMED, now)
    return RedirectResponse(HERE, status_code=303)


@router.get("/my-team/cases/{case_id}/refer", response_class=HTMLResponse)
async def ask_to_refer(request: Request, case_id: UUID, principal: AsListed, session: Transaction) -> HTMLResponse:
    """Explain what a referral means, and ask for confirmation."""
    case = await _own_case(session, case_id, principal)
    if case.ended_at:
        return _refused(request, case, misuse.AlreadyDone())
    return render(request, "my_team/refer.html", case=case)


@router.post("/my-team/cases/{case_id}/refer")
async def refer(
    request: Request,
    case_id: UUID,
    principal: AsListed,
    session: Transaction,
    acknowledgements: AcknowledgementsDep,
    outbox: OutboxDep,
    now: Now,
) -> Response:
    """Refer the case to SIRT; it also stays with the manager."""
    case = await _own_case(session, case_id, principal)
    manager = StaffId(principal.staff_id or "")
    try:
        alert_id = await misuse.refer_to_sirt(session, case.case_id, manager, now, outbox=outbox)
    except tuple(REFUSALS) as error:
        return _refused(request, case, error)
    await acknowledgements.answer(session, AlertId(alert_id), Acknowledgement.CONFIRMED, now)
    return RedirectResponse(HERE, status_code=303)


@router.get("/my-team/findings/new", response_class=HTMLResponse)
async def ask_for_finding(request: Request, principal: AsListed, session: Transaction, now: Now) -> HTMLResponse:
    """Ask what was found, about which person and when."""
    people = await queries.people_of(session, _viewer_of(principal), day_of(now))
    return _finding_page(request, people, FormReader({}))


@router.post("/my-team/findings/new")
async def add_finding(request: Request, principal: AsListed, session: Transaction, ids: IdsDep, now: Now) -> Response:
    """Record what was found."""
    people = await queries.people_of(session, _viewer_of(principal), day_of(now))
    form = await FormReader.posted(request)
    found = forms.read_finding(form, people, day_of(now))
    if found is None:
        return _finding_page(request, people, form)
    manager = StaffId(principal.staff_id or "")
    await misuse.record_finding(session, manager, found.person, found.category, found.found_on, now, ids=ids)
    return RedirectResponse(HERE, status_code=303)


@router.get("/awareness", response_class=HTMLResponse)
async def awareness(request: Request, principal: AsListed, session: Transaction, version: Version) -> HTMLResponse:
    """Show what this person has read, and what is due; a new version of the policy asks again (R-a, R-b, X2)."""
    return _awareness_page(request, version, await _own_awareness(session, principal.staff_id, version))


@router.post("/awareness")
async def acknowledge_documents(
    request: Request, principal: AsListed, session: Transaction, version: Version, now: Now
) -> Response:
    """Record which documents they have read."""
    read = set((await FormReader.posted(request)).typed.get("read", ()))
    mine = await _own_awareness(session, principal.staff_id, version)
    if not read or not read <= KEYS or principal.staff_id is None:
        return _awareness_page(request, version, mine, errors=FormErrors({"read": "Choose what you have read"}))
    await handlers.acknowledge(session, principal.staff_id, read, version, now)
    return RedirectResponse("/alerts/awareness", status_code=303)


async def _shown(
    request: Request,
    session: Transaction,
    viewer: Viewer,
    today: date,
    *,
    pages: queries.Pages | None = None,
    errors: FormErrors | None = None,
) -> HTMLResponse:
    team = await queries.my_team(session, viewer, pages or queries.Pages(), today)
    context: dict[str, object] = {"team": team, "called": forms} | ({"errors": errors} if errors else {})
    return render(request, "my_team/page.html", 422 if errors else 200, **context)


async def _own_alert(session: Transaction, alert_id: UUID, viewer: Viewer) -> AlertView:
    """Return the alert; another person's alert is treated as missing."""
    alert = await alert_with_id(session, AlertId(alert_id))
    if alert is None or not viewer.received(alert):
        raise standard_problem(404)
    return alert


def _action_page(request: Request, case: AssignedCase, form: FormReader | None = None) -> HTMLResponse:
    if case.ended_at:
        return _refused(request, case, misuse.AlreadyDone())
    return show_form(request, forms.action_page(case), form)


def _finding_page(request: Request, people: Sequence[StaffMember], form: FormReader) -> HTMLResponse:
    fields, status_code = forms.finding_fields(people), 422 if form.errors else 200
    return render(
        request, "my_team/finding.html", status_code, people=people, fields=fields, form=form, errors=form.errors
    )


def _refused(request: Request, case: AssignedCase, error: Exception) -> HTMLResponse:
    refusal = refusal_of(error, REFUSALS)
    return render(request, "my_team/refused.html", refusal.status, case=case, refusal=refusal)


async def _own_case(session: Transaction, case_id: UUID, principal: Principal) -> AssignedCase:
    """Return the case; another person's case is treated as missing."""
    case = await open_case(session, CaseId(case_id), principal.staff_id)
    if case is None:
        raise standard_problem(404)
    return case


def _viewer_of(principal: Principal) -> Viewer:
    return Viewer(principal.staff_id, principal.email)


def _awareness_page(
    request: Request, version: str, mine: Awareness | None, *, errors: FormErrors | None = None
) -> HTMLResponse:
    context: dict[str, object] = {"updated": date.fromisoformat(version), "mine": mine, "documents": DOCUMENTS}
    return render(
        request, "my_team/awareness.html", 422 if errors else 200, **context, **({"errors": errors} if errors else {})
    )


async def _own_awareness(session: Transaction, staff_id: StaffId | None, version: str) -> Awareness | None:
    """Return the caller's awareness; None for a caller without a staff number, such as an API client."""
    return (await queries.awareness_of(session, [staff_id], version))[staff_id] if staff_id else None
