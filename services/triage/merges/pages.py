"""/cases/SP-…/merge: the tab where a responder merges a case into another, takes it out again, or splits it."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import queries as cases
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, led, opened, show
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.merges import domain, handlers, queries
from services.triage.merges.refusals import REFUSALS
from shared.web.forms import LONGEST_LINE, FormErrors, FormReader
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

_PAGE = "/cases/SP-{rest}/merge"
_ALL_REFUSALS = {**CASE_REFUSALS, **REFUSALS}
Do = Callable[[UUID, int], Awaitable[Case]]


@router.get(_PAGE)
async def merge_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show what is merged with the case, and what can be done."""
    return await _tab(request, work, await opened(work, rest))


@router.get(_PAGE + "/{action}")
async def merge_tab_again(request: Request, work: WorkDep, rest: str, action: str) -> RedirectResponse:
    """Go back to the tab from the address of one of its forms, as after a reload."""
    _ = action
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    return led(request, case, Tab.MERGE)


@router.post(_PAGE)
async def merge(request: Request, work: WorkDep, rest: str) -> Response:
    """Merge the case into another."""
    form = await FormReader.posted(request)
    into, reason = form.line("into", "Give the reference of the other case"), form.text("merge-reason")

    async def do(case_id: UUID, read: int) -> Case:
        return await handlers.merge(work, case_id, read, into or "", reason)

    return await _act(request, work, rest, form, do, "into", "merged")


@router.post(f"{_PAGE}/undo")
async def unmerge(request: Request, work: WorkDep, rest: str) -> Response:
    """Take the case out of the one that it is merged into."""

    async def do(case_id: UUID, read: int) -> Case:
        return await handlers.unmerge(work, case_id, read)

    return await _act(request, work, rest, await FormReader.posted(request), do, "undo", "unmerged")


@router.post(f"{_PAGE}/split")
async def split(request: Request, work: WorkDep, rest: str) -> Response:
    """Open a linked case of the same report about a part of this one."""
    form = await FormReader.posted(request)
    reason = form.text("split-reason")
    links = [int(one) for one in form.typed.get("links", ()) if one.isascii() and one.isdigit()]
    wanted = handlers.Wanted(form.typed.get("what", ()), links)

    async def do(case_id: UUID, read: int) -> Case:
        _, new = await handlers.split(work, case_id, read, wanted, reason)
        return new

    return await _act(request, work, rest, form, do, "what", "split")


@router.post(f"{_PAGE}/undo-split")
async def undo_split(request: Request, work: WorkDep, rest: str) -> Response:
    """Give back what was split off."""

    async def do(case_id: UUID, read: int) -> Case:
        return await handlers.undo_split(work, case_id, read)

    return await _act(request, work, rest, await FormReader.posted(request), do, "undo-split", "split-undone")


async def _act(request: Request, work: Work, rest: str, form: FormReader, do: Do, field: str, done: str) -> Response:
    """Do what a form asks for; if it is refused, show the tab again with the reason and what was typed."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    read, errors = form.version(beside=field), form.errors
    if errors or read is None:
        return await _tab(request, work, case, form, status=422)
    try:
        changed = await do(case.case_id, read)
    except tuple(_ALL_REFUSALS) as error:
        status = record_refusal(refusal_of(error, _ALL_REFUSALS), error, errors, field)
        again = await cases.get(work.session, work.viewer, case.case_id)
        return await _tab(request, work, again, form, status=status)
    return led(request, changed, Tab.MERGE, done)


async def _tab(
    request: Request, work: Work, case: Case, form: FormReader | None = None, status: int = 200
) -> HTMLResponse:
    state = await queries.of_page(work.session, work.viewer, case)
    typed = form.typed if form else {"into": [request.query_params.get("into", "")[:LONGEST_LINE]]}
    shown = {"merges": state, "form_typed": typed, "may": _possible(work, case, state)}
    errors = form.errors if form else FormErrors()
    return await show(request, work, case, tab=Tab.MERGE, status=status, shown=Shown(shown, state.people, errors))


def _possible(work: Work, case: Case, page: queries.Page) -> set[str]:
    """Return which of the tab's forms would not be refused for the case's sake."""
    actor = work.viewer.actor(case)
    attempts: Mapping[str, Callable[[], None]] = {
        "merge": lambda: domain.require_free(case, actor, work.now),
        "undo": lambda: domain.require_undoable(page.merged, actor, work.now),
        "undo-split": lambda: domain.require_undoable(page.division.done if page.division else None, actor, work.now),
    }
    return {name for name, attempt in attempts.items() if _allowed(attempt)}


def _allowed(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except tuple(_ALL_REFUSALS):
        return False
    return True
