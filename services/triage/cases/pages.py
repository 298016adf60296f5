"""The case page (`/cases/SP-…`): its tabs, and what a responder does there."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import handlers, judgements, queries
from services.triage.cases.case_view import Tab, show
from services.triage.cases.changes import CaseChanged
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import (
    Case,
    ClaimedByAnother,
    NotYourClaim,
    OutcomeDoesNotFit,
    SameTeam,
    StateForbids,
    TeamDoesNotFit,
)
from services.triage.cases.forms import Action, ActionForm, read_action
from services.triage.cases.handlers import Work
from services.triage.cases.turns import NotForThisCase
from services.triage.cases.wording import STATES
from services.triage.routing.domain import RuleBook
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.ids import CaseId
from shared.web.forms import FormErrors, read_form

router = APIRouter(include_in_schema=False)

_CASE = "/cases/SP-{rest}"
_REFUSED: Mapping[type[Exception], str] = {
    ClaimedByAnother: "Somebody else has this case. Ask them to release it.",
    NotYourClaim: "Claim the case first.",
    SameTeam: "The case is with that team already. Choose another.",
    OutcomeDoesNotFit: "Choose an outcome that fits this type of report.",
    TeamDoesNotFit: "Choose a team that works this type of report.",
    NotForThisCase: "This is not done with this case.",
}
_REFUSALS: tuple[type[Exception], ...] = (StateForbids, *_REFUSED)


@router.get(_CASE)
async def summary(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the answers; what was written is absent until it is asked for."""
    return await _tab(request, work, rest, Tab.SUMMARY)


@router.get(_CASE + "/timeline")
async def timeline(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show everything that happened, newest first."""
    return await _tab(request, work, rest, Tab.TIMELINE)


@router.get(_CASE + "/routing")
async def routing(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show why the case is where it is."""
    return await _tab(request, work, rest, Tab.ROUTING)


@router.get(_CASE + "/audit")
async def audit(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the activity record."""
    return await _tab(request, work, rest, Tab.AUDIT)


async def _tab(request: Request, work: Work, rest: str, tab: Tab) -> HTMLResponse:
    case = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    if case.restricted:
        await handlers.open_page(work, case.case_id)
    return await show(request, work, case, tab=tab)


@router.post(_CASE + "/show", dependencies=[requires(Permission.SEE_CASE_CONTENT)])
async def show_content(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show what was written, and record that somebody asked."""
    found = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    case = await handlers.look(work, found.case_id, "content_shown")
    return await show(request, work, case, tab=Tab.SUMMARY, content=True)


@router.post(_CASE + "/{action}")
async def act(request: Request, work: WorkDep, rest: str, action: Action) -> Response:
    """Do what a button says; refused, the page comes back with the reason and what was typed."""
    case = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = read_action(action, await read_form(request))
    if form.errors:
        return await _again(request, work, case, form, 422)
    if form.version is None:
        return await _again(request, work, case, replace(form, errors=_no_version(form)), 428)
    try:
        if action is Action.NOT_EXEMPT:
            book = cast(RuleBook, request.app.state.rules())
            changed = await judgements.not_exempt(work, case.case_id, form.version, form.text, book)
        else:
            changed = await DO[action](work, case.case_id, form.version, form)
    except CaseChanged as error:
        return await _again(request, work, case, _changed(form, error), 412)
    except _REFUSALS as error:
        return await _again(request, work, case, replace(form, errors=_refused(form, error)), 409)
    return RedirectResponse(_where(work, changed, action), 303)


Do = Callable[[Work, CaseId, int, ActionForm], Awaitable[Case]]


async def _transfer(work: Work, case_id: CaseId, read: int, form: ActionForm) -> Case:
    if form.team is None:
        raise SameTeam
    return await handlers.transfer(work, case_id, read, form.team, form.text)


async def _resolve(work: Work, case_id: CaseId, read: int, form: ActionForm) -> Case:
    if form.outcome is None:
        raise OutcomeDoesNotFit
    return await handlers.resolve(work, case_id, read, form.outcome, form.text or None)


DO: Mapping[Action, Do] = {
    Action.CLAIM: lambda work, case_id, read, _form: handlers.claim(work, case_id, read),
    Action.RELEASE: lambda work, case_id, read, _form: handlers.release(work, case_id, read),
    Action.START: lambda work, case_id, read, _form: handlers.start(work, case_id, read),
    Action.NOTE: lambda work, case_id, read, form: handlers.add_note(work, case_id, read, form.text, shared=False),
    Action.SHARE: lambda work, case_id, read, form: handlers.add_note(work, case_id, read, form.text, shared=True),
    Action.ASK: lambda work, case_id, read, form: handlers.ask(work, case_id, read, form.text),
    Action.TRANSFER: _transfer,
    Action.RESOLVE: _resolve,
    Action.CLOSE: lambda work, case_id, read, _form: handlers.close(work, case_id, read),
    Action.REOPEN: lambda work, case_id, read, form: handlers.reopen(work, case_id, read, form.text),
    Action.EXEMPT: lambda work, case_id, read, _form: judgements.exempt(work, case_id, read),
    Action.MISUSE: lambda work, case_id, read, form: judgements.open_misuse(work, case_id, read, form.text),
    Action.BREACH: lambda work, case_id, read, form: judgements.become_aware(work, case_id, read, form.text),
    Action.BREACH_DECIDED: lambda work, case_id, read, form: judgements.decide_breach(work, case_id, read, form.text),
    Action.TAKEN_OVER: lambda work, case_id, read, form: judgements.confirm_compromise(
        work, case_id, read, form.accounts
    ),
    Action.NAME: lambda work, case_id, read, form: judgements.name_person(work, case_id, read, form.text),
}


async def _again(request: Request, work: Work, case: Case, form: ActionForm, status: int) -> HTMLResponse:
    now_there = await queries.get(work.session, work.viewer, case.case_id)
    return await show(request, work, now_there, tab=Tab.SUMMARY, form=form, status=status)


def _changed(form: ActionForm, error: CaseChanged) -> ActionForm:
    message = "The case changed while you were reading it. Look at what changed, then try again."
    return replace(form, errors=FormErrors({"changes": message}), changes=tuple(error.changes))


def _no_version(form: ActionForm) -> FormErrors:
    message = "What you sent did not say which version of the case you read. Look at the case as it is, then try again."
    return FormErrors({form.action: message})


def _refused(form: ActionForm, error: Exception) -> FormErrors:
    if isinstance(error, StateForbids):
        return FormErrors({form.action: f"The case is {STATES[error.state].lower()}: that cannot be done now."})
    return FormErrors({form.action: _REFUSED[type(error)]})


def _where(work: Work, case: Case, action: Action) -> str:
    if case.team not in work.viewer.teams:
        return f"/cases?done={action}"
    return f"/cases/{case.reference}?done={action}"
