"""The addresses of the actions on a case page (`/cases/SP-…/claim` and so on)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import domain, handlers, queries, rulings
from services.triage.cases.dependencies import CaseParts, WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.forms import Action, ActionForm, read_action
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Tab, came_from, led, opened, show
from services.triage.cases.refusals import REFUSALS
from shared.ids import CaseId
from shared.runtime import parts_of
from shared.web.forms import FormErrors
from shared.web.problems import standard_problem
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

_CASE = "/cases/SP-{rest}"


@router.get(_CASE + "/{unknown}")
async def unknown_tab(request: Request, work: WorkDep, rest: str, unknown: str) -> Response:
    """Go back to the case from the address of an action, as after a reload; anything else is not there.

    The forms that come next have an address, and are open there. So has the form to assign, because it shows the open
    cases of each colleague.
    """
    case = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    if unknown not in {*Action, "show"}:
        raise standard_problem(404)
    if unknown in {Action.SHARE, Action.RESOLVE, Action.ASSIGN}:
        asked = ActionForm(Action(unknown), case.version)
        return await show(request, work, await opened(work, rest), tab=Tab.SUMMARY, form=asked)
    return led(request, case)


@router.post(_CASE + "/{action}")
async def act(request: Request, work: WorkDep, rest: str, action: Action) -> Response:
    """Carry out an action; if it is refused, show the page again with the reason and what was typed."""
    case = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await read_action(request, action)
    if form.errors:
        return await _again(request, work, case, form, 422)
    if form.version is None:
        return await _again(request, work, case, replace(form, errors=_no_version(form)), 428)
    try:
        if action is Action.NOT_EXEMPT:
            book = parts_of(request, CaseParts).rules()
            changed = await rulings.not_exempt(work, case.case_id, form.version, form.text, book)
        else:
            changed = await DO[action](work, case.case_id, form.version, form)
    except tuple(REFUSALS) as error:
        return await _refused(request, work, case, form, error)
    return await _onwards(request, work, changed, form)


Do = Callable[[Work, CaseId, int, ActionForm], Awaitable[Case]]


async def _transfer(work: Work, case_id: CaseId, read: int, form: ActionForm) -> Case:
    if form.team is None:
        raise domain.SameTeam
    return await handlers.transfer(work, case_id, read, form.team, form.text)


async def _prioritise(work: Work, case_id: CaseId, read: int, form: ActionForm) -> Case:
    if form.priority is None:
        raise domain.SamePriority
    return await handlers.prioritise(work, case_id, read, form.priority, form.text)


async def _resolve(work: Work, case_id: CaseId, read: int, form: ActionForm) -> Case:
    if form.outcome is None:
        raise domain.OutcomeDoesNotFit
    return await handlers.resolve(work, case_id, read, form.outcome, form.text or None)


DO: Mapping[Action, Do] = {
    Action.CLAIM: lambda work, case_id, read, _form: handlers.claim(work, case_id, read),
    Action.ASSIGN: lambda work, case_id, read, form: handlers.assign(
        work, case_id, read, form.assignee or "", form.text or None
    ),
    Action.PRIORITY: _prioritise,
    Action.RELEASE: lambda work, case_id, read, _form: handlers.release(work, case_id, read),
    Action.START: lambda work, case_id, read, _form: handlers.start(work, case_id, read),
    Action.NOTE: lambda work, case_id, read, form: handlers.add_note(work, case_id, read, form.text, shared=False),
    Action.SHARE: lambda work, case_id, read, form: handlers.add_note(work, case_id, read, form.text, shared=True),
    Action.ASK: lambda work, case_id, read, form: handlers.ask(work, case_id, read, form.text),
    Action.TRANSFER: _transfer,
    Action.RESOLVE: _resolve,
    Action.CLOSE: lambda work, case_id, read, _form: handlers.close(work, case_id, read),
    Action.REOPEN: lambda work, case_id, read, form: handlers.reopen(work, case_id, read, form.text),
    Action.EXEMPT: lambda work, case_id, read, _form: rulings.exempt(work, case_id, read),
    Action.MISUSE: lambda work, case_id, read, form: rulings.open_misuse(work, case_id, read, form.text),
    Action.BREACH: lambda work, case_id, read, form: rulings.become_aware(work, case_id, read, form.text),
    Action.BREACH_DECIDED: lambda work, case_id, read, form: rulings.decide_breach(work, case_id, read, form.text),
    Action.TAKEN_OVER: lambda work, case_id, read, form: rulings.confirm_compromise(work, case_id, read, form.accounts),
    Action.NAME: lambda work, case_id, read, form: rulings.name_person(work, case_id, read, form.text),
}


async def _again(request: Request, work: Work, case: Case, form: ActionForm, status: int) -> HTMLResponse:
    now_there = await queries.get(work.session, work.viewer, case.case_id)
    return await show(request, work, now_there, tab=Tab.SUMMARY, form=form, status=status)


def _no_version(form: ActionForm) -> FormErrors:
    message = "What you sent did not say which version of the case you read. Look at the case as it is, then try again."
    return FormErrors({form.action: message})


async def _refused(request: Request, work: Work, case: Case, form: ActionForm, error: Exception) -> HTMLResponse:
    """Show the page again with the reason beside the action, and what others changed meanwhile."""
    refusal, errors = refusal_of(error, REFUSALS), FormErrors()
    status = record_refusal(refusal, error, errors, form.action, prefix=f"{form.action}-")
    changes = tuple(error.changes) if isinstance(error, queries.CaseChanged) else ()
    return await _again(request, work, case, replace(form, errors=errors, changes=changes), status)


async def _onwards(request: Request, work: Work, case: Case, form: ActionForm) -> RedirectResponse:
    """Lead on after an action: to the next case of the queue, to the list, which says what was done, or to the case."""
    action, queues, queue = form.action, parts_of(request, CaseParts).queues, came_from(request)
    if action is Action.RESOLVE and form.moves_on:
        following = await queues.following(work, queue, case)
        if following:
            return led(request, following, done="next")
    if form.returns or case.team not in work.viewer.teams or (action is Action.RESOLVE and form.moves_on):
        back, done = queues.address(queue), urlencode({"done": action, "case": case.reference})
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{done}#{case.reference}", 303)
    said = action in {Action.NOTE, Action.SHARE, Action.ASK}
    return led(request, case, Tab.CONVERSATION if said else Tab.SUMMARY, action)
