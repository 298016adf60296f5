"""/cases/bulk: what was chosen in the queue, whom it would affect, how far it is, what came of it, and undo."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.bulk import domain, handlers, queries
from services.triage.bulk.domain import Action, State
from services.triage.bulk.forms import OrderForm, read_chosen, read_order
from services.triage.bulk.queries import Bulk
from services.triage.bulk.refusals import NAMES, PROBLEMS
from services.triage.cases import views
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.handlers import Work
from services.triage.queue.domain import QueueFilter
from services.triage.queue.handlers import choose as look_up
from shared.web.pages import render

router = APIRouter(include_in_schema=False)

_PAGE = "/cases/bulk/{bulk_id:uuid}"


@dataclass(frozen=True, slots=True)
class Words:
    """How pages name an action."""

    button: str
    title: str
    done: str
    undo: str
    """What undoing it cannot do, if it is a thing that people need to know."""


WORDS: Mapping[Action, Words] = {
    Action.CLAIM: Words("Claim", "Claim {}", "{} claimed", ""),
    Action.ASSIGN: Words("Assign", "Assign {}", "{} assigned", "Hand-over notes stay with the cases."),
    Action.TRANSFER: Words(
        "Transfer", "Transfer {}", "{} transferred", "The other team may have been told of them already."
    ),
    Action.MESSAGE: Words(
        "Message",
        "Message the reporters of {}",
        "Message sent about {}",
        "A message that was sent cannot be taken back.",
    ),
    Action.RESOLVE: Words(
        "Resolve",
        "Resolve {}",
        "{} resolved",
        "Reporters may have been told already. Their page then says that work continues.",
    ),
    Action.MERGE: Words("Merge", "Merge {}", "{} merged", ""),
}


@router.post("/cases/bulk")
async def choose(request: Request, work: WorkDep) -> Response:
    """Keep what was ticked in the queue, and go on to its preview. A whole view is looked up again."""
    form = await read_chosen(request)
    wanted = _queue(form.view)
    found, more = await look_up(work, wanted, domain.MOST) if form.whole else (form.cases, False)
    if form.action is None or not found:
        return render(request, "bulk_nothing.html", 422, queue_url=wanted.url())
    some = dict(list(found.items())[: domain.MOST])
    more = more or len(found) > domain.MOST
    bulk_id = await handlers.choose(work, form.action, some, more=more)
    return RedirectResponse(_address(bulk_id, wanted), 303)


@router.get(_PAGE)
async def bulk_page(request: Request, work: WorkDep, bulk_id: UUID) -> HTMLResponse:
    """Show whom it would affect; once it was begun, how far it is and what came of it."""
    bulk = await queries.of_person(work.session, work.viewer.subject, bulk_id)
    if bulk.state is State.DRAFT:
        return await _preview(request, work, bulk, OrderForm())
    return await _results(request, work, bulk)


@router.post(_PAGE)
async def carry_out(request: Request, work: WorkDep, bulk_id: UUID) -> Response:
    """Begin; if something is missing, show the preview again."""
    bulk = await queries.of_person(work.session, work.viewer.subject, bulk_id)
    form = await read_order(request, bulk.action)
    if form.errors and bulk.state is State.DRAFT:
        return await _preview(request, work, bulk, form)
    await handlers.carry_out(work, bulk_id, form.order(bulk.action), NAMES)
    return RedirectResponse(_address(bulk_id, _came_from(request)), 303)


@router.post(_PAGE + "/undo")
async def undo(request: Request, work: WorkDep, bulk_id: UUID) -> RedirectResponse:
    """Put the cases back as they were, and say which could not be."""
    await handlers.undo(work, bulk_id, NAMES)
    return RedirectResponse(_address(bulk_id, _came_from(request)), 303)


async def _preview(request: Request, work: Work, bulk: Bulk, form: OrderForm) -> HTMLResponse:
    ahead = await queries.would_affect(work.session, work.viewer, bulk, work.now, NAMES)
    return render(
        request,
        "bulk_preview.html",
        422 if form.errors else 200,
        ahead=ahead,
        left=[(PROBLEMS[NAMES[kind]], count) for kind, count in ahead.refused.items()],
        teams=[team for team in views.FULL_TEAM_NAMES if team in ahead.teams],
        outcomes=[outcome for outcome in views.OUTCOMES if outcome in ahead.outcomes],
        full=bulk.total == domain.MOST,
        first=ahead.cases[0].reference if ahead.cases else "",
        form=form,
        errors=form.errors,
        **_values(request, bulk),
    )


async def _results(request: Request, work: Work, bulk: Bulk) -> HTMLResponse:
    done = [item for item in bulk.items if item.made is not None]
    return render(
        request,
        "bulk_results.html",
        200,
        references=await queries.references(work.session, work.viewer, bulk),
        done=done,
        refused=[(item, PROBLEMS[item.problem]) for item in bulk.items if item.problem],
        kept=[(item, PROBLEMS[item.undo]) for item in done if item.undo],
        may_undo=bulk.undo_until is not None and work.now <= bulk.undo_until,
        **_values(request, bulk),
    )


def _queue(view: str) -> QueueFilter:
    """Return the queue of an address's query."""
    return QueueFilter.read(dict(parse_qsl(view)))


def _came_from(request: Request) -> QueueFilter:
    """Return the queue that the cases were chosen in: it stands in the address alone, because it may have names."""
    return _queue(request.query_params.get("from", ""))


def _address(bulk_id: UUID, queue: QueueFilter, step: str = "") -> str:
    query = queue.query()
    return f"/cases/bulk/{bulk_id}{step}" + (f"?{urlencode({'from': query})}" if query else "")


def _values(request: Request, bulk: Bulk) -> dict[str, object]:
    queue = _came_from(request)
    return {
        "bulk": bulk,
        "words": WORDS[bulk.action],
        "Action": Action,
        "State": State,
        "wording": views,
        "queue_url": queue.url(),
        "here": _address(bulk.bulk_id, queue),
        "undo_url": _address(bulk.bulk_id, queue, "/undo"),
    }
