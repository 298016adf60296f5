"""/cases/SP-…/tasks: what has to be done about a case, support, and the threat protocol. /cases/tasks: all tasks."""

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import lists, views
from services.triage.cases import queries as cases
from services.triage.cases.dependencies import CaseParts, WorkDep
from services.triage.cases.domain import Case, MayNotHave
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, came_from, led, opened, show
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.tasks import domain, forms, handlers, queries, tasks_yaml
from services.triage.tasks.refusals import REFUSALS
from shared.people import names_of
from shared.runtime import parts_of
from shared.web.forms import FormReader
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

_TAB = "/cases/SP-{rest}/tasks"
_LIST = "/cases/tasks"
_REFUSALS = {**CASE_REFUSALS, **REFUSALS}
_PAGE_SIZE = 50
_RECORDED = "task-recorded"
_VIEWS = {
    domain.TaskView.MINE: "Mine",
    domain.TaskView.TEAM: "My teams’",
    domain.TaskView.OVERDUE: "Overdue",
}


@router.get(_LIST)
async def tasks_page(request: Request, work: WorkDep, view: str = "", cursor: str = "") -> HTMLResponse:
    """Show the tasks that are to be done: mine, my teams', or those that are overdue."""
    chosen = next((one for one in _VIEWS if one == view), domain.TaskView.MINE)
    start = domain.Cursor.read(cursor)
    found = await queries.listed(work.session, work.viewer, chosen, work.now, start, _PAGE_SIZE + 1)
    rows = found[:_PAGE_SIZE]
    counts = (await queries.counts(work.session, work.viewer, work.now))._asdict()
    return render(
        request,
        "tasks.html",
        rows=rows,
        views=_VIEWS,
        counts={name: f"{domain.MOST_COUNTED}+" if n > domain.MOST_COUNTED else n for name, n in counts.items()},
        chosen=chosen,
        place=str(start) if start else "",
        after=rows[-1].place if len(found) > _PAGE_SIZE else None,
        titles=tasks_yaml.titles(),
        hints=_hints(),
        names=await names_of(work.session, [one.task.assignee for one in rows]),
        viewer=work.viewer,
        wording=views,
        done=request.query_params.get("done") == _RECORDED,
    )


@router.get(_TAB)
async def tasks_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """List what is to be done about a case."""
    return await _tab(request, work, await opened(work, rest))


@router.get(_TAB + "/{asked:path}")
async def tasks_again(request: Request, work: WorkDep, rest: str) -> RedirectResponse:
    """Go back to the tab from the address of one of its forms, as after a reload."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    return led(request, case, Tab.TASKS)


@router.post(_TAB)
async def add_task(request: Request, work: WorkDep, rest: str) -> Response:
    """Add a task, or tick off one of the case's kind."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await forms.read_task(request)
    new = form.new
    return await _done(request, work, case, form, "title", lambda read: handlers.add(work, case.case_id, read, new))


@router.post(_TAB + "/support")
async def record_support(request: Request, work: WorkDep, rest: str) -> Response:
    """Record that support was offered, accepted or declined."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await forms.read_support(request)
    state = form.state or domain.SupportState.OFFERED
    return await _done(
        request,
        work,
        case,
        form,
        "support",
        lambda read: handlers.support(work, case.case_id, read, state, form.follow_up_on, form.note),
    )


@router.post(_TAB + "/threat")
async def answer_threat(request: Request, work: WorkDep, rest: str) -> Response:
    """Record an answer of the threat protocol."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await forms.read_threat(request)
    return await _done(
        request, work, case, form, "threat", lambda read: handlers.answer_threat(work, case.case_id, read, form.answer)
    )


@router.post(_TAB + "/{task_id:uuid}")
async def finish_task(request: Request, work: WorkDep, rest: str, task_id: UUID) -> Response:
    """Tick a task off, or take the tick back; from a page of the list, go back to that page."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    read = await FormReader.posted(request)
    form, done = forms.Posted(read.version(), {}, read.errors), not read.ticked("undo")
    answer = await _done(
        request,
        work,
        case,
        form,
        "title",
        lambda version: handlers.finish(work, case.case_id, version, task_id, done=done),
    )
    if isinstance(answer, HTMLResponse) or not read.ticked("back"):
        return answer
    here = parts_of(request, CaseParts).queues.address(came_from(request))
    return RedirectResponse(f"{here}{'&' if '?' in here else '?'}done={_RECORDED}", 303)


async def _done(request: Request, work: Work, case: Case, form: forms.Posted, first: str, step: forms.Step) -> Response:
    """Carry out what was posted; if it is refused, show the tab again with what was typed."""
    if form.errors:
        return await _tab(request, work, case, form, 422)
    try:
        await step(form.version or 0)
    except domain.TaskNotFound:
        raise
    except tuple(_REFUSALS) as error:
        refusal = refusal_of(error, _REFUSALS)
        if first == "support" and isinstance(error, domain.NotWithinReach):
            refusal = replace(refusal, field="follow_up")
        if isinstance(error, MayNotHave):
            refusal = replace(refusal, field="assignee")
        status = record_refusal(refusal, error, form.errors, first)
        return await _tab(request, work, await cases.get(work.session, work.viewer, case.case_id), form, status)
    return led(request, case, Tab.TASKS, _RECORDED)


async def _tab(
    request: Request, work: Work, case: Case, form: forms.Posted | None = None, status: int = 200
) -> HTMLResponse:
    kept = await queries.of_case(work.session, case.case_id)
    happened, _ = await lists.part_of(work.session, case.case_id)
    tasks = domain.listed(case, happened, tasks_yaml.templates(), kept.tasks)
    values: dict[str, object] = {
        "tasks": tasks,
        "support": kept.support,
        "threat": kept.threat,
        "takes_tasks": domain.takes_tasks(case),
        "titles": tasks_yaml.titles(),
        "hints": _hints(),
        "words": forms,
        "entered": form.typed if form else {},
    }
    people = [who for one in tasks for who in (one.assignee, one.made_by, one.done_by)]
    people += [one.by for one in kept.threat]
    people += [kept.support.offered_by, kept.support.answered_by] if kept.support else []
    shown = Shown(values, people, form.errors if form else None)
    return await show(request, work, case, tab=Tab.TASKS, shown=shown, status=status)


def _hints() -> dict[str, str]:
    return {one.code: one.hint for one in tasks_yaml.templates()}
