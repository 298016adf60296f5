"""The queue (`/cases`): the cases that a responder may see, one line each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.campaigns import queries as campaigns
from services.triage.cases import lists
from services.triage.cases import views as wording
from services.triage.cases.access import Viewer
from services.triage.cases.dependencies import CaseParts, ViewerDep, WorkDep
from services.triage.cases.domain import FINISHED
from services.triage.cases.forms import Action
from services.triage.cases.handlers import LATELY, MOST_OFFERED, Work
from services.triage.queue import domain, handlers, queries, views
from services.triage.queue.domain import MOST_VIEWS, QueueFilter, QueueView, SavedView, Sort
from services.triage.queue.refusals import REFUSALS
from services.triage.search.domain import Sought
from services.triage.search.handlers import note_search
from services.triage.search.queries import referred
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Priority, Team
from shared.runtime import parts_of
from shared.web.dependencies import IdsDep, Now, Transaction
from shared.web.forms import FormReader
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of
from shared.web.times import uk_date

router = APIRouter(include_in_schema=False)
live = APIRouter(include_in_schema=False)
"""What an open page asks for by itself."""
S = TypeVar("S", bound=str)

_SORTED_BY: Mapping[str, Sequence[Sort]] = {
    "Priority": (Sort.PRIORITY,),
    "Due": (Sort.DUE,),
    "Age": (Sort.NEWEST, Sort.OLDEST),
}
"""Columns whose headings sort; where there are two orders, the heading goes to and fro."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link on the page."""

    text: str
    href: str
    current: bool = False
    count: str = ""
    """Of the cases that it leads to; empty for none, and `?` where they were not counted."""


@router.get("/cases")
async def queue_page(request: Request, session: Transaction, viewer: ViewerDep, now: Now, ids: IdsDep) -> Response:
    """Show a page of the cases that fit, beside the views and how many cases each has.

    A search for a reference leads to its case. That someone searched is recorded, without their words.
    """
    wanted = QueueFilter.read(request.query_params)
    if reference := await referred(session, viewer, Sought.read(wanted.q)):
        await note_search(session, viewer, 1, now, ids)
        return RedirectResponse(f"/cases/{reference}", 303)
    cursor = queries.read_cursor(request.query_params.get("cursor", ""), wanted)
    found = await handlers.look(session, queries.listing(viewer, wanted, now), wanted, cursor, now, ids)
    newest, beside = await _beside(session, viewer, wanted, now)
    rows = await lists.load(session, viewer, found.case_ids)
    if request.state.notice in [(Action.CLAIM, row.case.reference) for row in rows]:
        request.state.notice = None  # its row, at which the page opens, says who has it
    return render(
        request,
        "queue.html",
        wanted=wanted,
        heading=await _heading(session, viewer, wanted),
        rows=rows,
        marks=await queries.marks(session, viewer, rows),
        found=found,
        **beside,
        **_asked(request, wanted),
        filters=_filters(wanted, await lists.lately_at_work(session, viewer, now - LATELY, MOST_OFFERED)),
        queue=(queue := wanted.query(str(cursor) if cursor else "")),
        opened_from="?" + urlencode({"from": queue}) if queue else "",
        next_page=wanted.url(str(found.later)) if found.later else None,
        previous_page=wanted.url(str(found.earlier)) if found.earlier else None,
        first_page=wanted.url() if cursor else None,
        arrivals="" if wanted.q else _arrivals_url(wanted, newest),
        viewer=viewer,
        leads=[team for team in Team if team in viewer.leads],
        wording=wording,
        said=views,
        hours=parts_of(request, CaseParts).deadlines.hours,
    )


@live.get("/cases/arrivals")
async def arrivals(
    request: Request, session: Transaction, viewer: ViewerDep, now: Now, since: Annotated[UUID, Query()]
) -> JSONResponse:
    """Return how many cases came to this queue after case `since`."""
    asked = queries.listing(viewer, QueueFilter.read(request.query_params), now)
    return JSONResponse({"new": await lists.count_arrivals(session, asked, since)})


SAVED = "/cases/views"


@router.get(SAVED)
async def saved_page(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the views that the person keeps, and those of their teams, to be renamed and deleted."""
    return await _saved_page(request, work)


@router.post(SAVED)
async def save(request: Request, work: WorkDep) -> Response:
    """Keep the queue that is shown as a view, and go back to it; or rename or delete one."""
    form = await FormReader.posted(request)
    chosen = next(iter(form.uuids("chosen")), None)
    deleted = form.ticked("delete")
    name = "" if deleted else form.line("name", "Give the view a name", domain.LONGEST_NAME) or ""
    if form.errors:
        return await _saved_page(request, work, form, 422)
    wanted, _ = domain.opened_from(form.first("view"))
    try:
        if chosen and deleted:
            await handlers.delete_view(work, chosen, form.version() or 0)
        elif chosen:
            await handlers.rename_view(work, chosen, form.version() or 0, name)
        else:
            await handlers.save_view(work, name, wanted, form.choice("team", Team))
    except tuple(REFUSALS) as error:
        status = record_refusal(refusal_of(error, REFUSALS), error, form.errors, "name")
        return await _saved_page(request, work, form, status)
    kept = wanted.query()
    return RedirectResponse(SAVED if chosen else f"/cases?{kept}&done=saved" if kept else "/cases?done=saved", 303)


async def _saved_page(request: Request, work: Work, form: FormReader | None = None, status: int = 200) -> HTMLResponse:
    return render(
        request,
        "saved_views.html",
        status,
        saved=await queries.saved_views(work.session, work.viewer),
        wording=wording,
        wanted=domain.opened_from(form.first("view"))[0] if form else None,
        typed={name: form.first(name) for name in ("chosen", "name", "team", "view")} if form else {},
        errors=form.errors if form else {},
        viewer=work.viewer,
        leads=[team for team in Team if team in work.viewer.leads],
    )


def _asked(request: Request, wanted: QueueFilter) -> Mapping[str, Any]:
    """Return what the page says of its address: the filters that are set, those that are wrong, and what was done."""
    said = request.query_params
    return {
        "sought": wanted.q,
        "too_long": len(said.get("q", "")) > domain.LONGEST_SEARCH,
        "chips": _chips(wanted),
        "headings": _headings(wanted),
        "wrong": [name for name in ("since", "until") if said.get(name) and not getattr(wanted, name)],
        "done": said.get("done"),
        "news": views.DONE.get(said.get("done", "")),
        "typed": {},
        "errors": {},
    }


async def _heading(session: AsyncSession, viewer: Viewer, wanted: QueueFilter) -> str:
    if wanted.q:
        return "Search results"
    if wanted.campaign:
        name = await campaigns.name_of(session, viewer, wanted.campaign)
        return f"Campaign: {name}" if name else "Campaign"
    view = views.VIEWS[wanted.view or QueueView.ALL]
    return f"{view}: {wording.FULL_TEAM_NAMES[wanted.team]}" if wanted.team else view


async def _beside(
    session: AsyncSession, viewer: Viewer, wanted: QueueFilter, now: datetime
) -> tuple[UUID, Mapping[str, Any]]:
    """Return the id of the newest case, and the links beside the queue, each with the number of its cases."""
    saved = await queries.saved_views(session, viewer)
    asked = _counted(viewer, wanted, saved)
    newest, numbers = await queries.beside(session, viewer, asked, now)
    counts = {one: views.count(number) for one, number in zip(asked, numbers, strict=True)}
    links = {"views": _views(wanted, counts), "teams": _teams(viewer, wanted, counts)}
    return newest, links | {"saved": _saved(wanted, saved, counts)}


def _counted(viewer: Viewer, wanted: QueueFilter, saved: Sequence[SavedView]) -> list[QueueFilter]:
    """Return the queues that are counted: of the views, the teams, and those saved; never searches.

    Of what teams save, some are counted, however many views of their own a person keeps.
    """
    of_views = [replace(wanted, view=view, q="", sort=None) for view in views.VIEWS]
    of_teams = [replace(wanted, team=team, sort=None) for team in (None, *_several(viewer))]
    own = [one.wanted for one in saved if not one.team]
    shared = [one.wanted for one in saved if one.team][:MOST_VIEWS]
    kept = [replace(one, sort=None) for one in (*own, *shared)]
    return list(dict.fromkeys(one for one in (*of_views, *of_teams, *kept) if not one.q))


def _several(viewer: Viewer) -> list[Team]:
    """Return the teams of the viewer, if they have several."""
    return [team for team in Team if team in viewer.teams] if len(viewer.teams) > 1 else []


Counts = Mapping[QueueFilter, str]
"""How many cases each queue has, whatever its order."""


def _views(wanted: QueueFilter, counts: Counts) -> list[Link]:
    """Return the views: those of all cases, if someone searches."""
    unsearched = replace(wanted, q="", sort=None) if wanted.q else wanted
    return [
        Link(text, unsearched.url(view=view), view is wanted.view, counts[replace(unsearched, view=view, sort=None)])
        for view, text in views.VIEWS.items()
    ]


def _teams(viewer: Viewer, wanted: QueueFilter, counts: Counts) -> list[Link]:
    of_teams = [(wording.FULL_TEAM_NAMES[team], replace(wanted, team=team)) for team in _several(viewer)]
    return (
        [
            Link(text, one.url(), one.team is wanted.team, counts.get(replace(one, sort=None), ""))
            for text, one in [("All my teams", replace(wanted, team=None)), *of_teams]
        ]
        if of_teams
        else []
    )


def _saved(wanted: QueueFilter, saved: Sequence[SavedView], counts: Counts) -> list[Link]:
    """Return the views that people keep: one's own first, then those of each team, which say whose they are."""
    return [
        Link(
            f"{one.name} ({wording.SHORT_TEAM_NAMES[one.team]})" if one.team else one.name,
            one.wanted.url(),
            one.wanted == wanted,
            counts.get(replace(one.wanted, sort=None), "?"),
        )
        for one in saved
    ]


def _chips(wanted: QueueFilter) -> list[Link]:
    """Return the filters that are set, each as a link that removes it."""
    said = {
        "q": f"“{wanted.q}”" if wanted.q else None,
        "priority": wanted.priority,
        "kind": wording.TYPES[wanted.kind] if wanted.kind else None,
        "platform": wording.platform(wanted.platform) if wanted.platform else None,
        "behaviour": wording.words(wanted.behaviour) if wanted.behaviour else None,
        "state": wording.STATES.get(wanted.state, wording.words(wanted.state)) if wanted.state else None,
        "who": views.WHO.get(wanted.who, wanted.who),
        "since": f"From {uk_date(wanted.since)}" if wanted.since else None,
        "until": f"To {uk_date(wanted.until)}" if wanted.until else None,
        "replies": "Unread replies" if wanted.replies else None,
        "taken_down": views.TAKEN_DOWN[wanted.taken_down] if wanted.taken_down else None,
        "tasks": views.TASKS[wanted.tasks] if wanted.tasks else None,
        "campaign": "One campaign" if wanted.campaign else None,
    }
    unset = QueueFilter()
    return [Link(text, wanted.url(**{name: getattr(unset, name)})) for name, text in said.items() if text]


def _filters(wanted: QueueFilter, colleagues: Mapping[str, str]) -> dict[str, list[dict[str, object]]]:
    """Return the choices of the filter form, as items of GOV.UK selects."""
    fits = {state: text for state, text in wording.STATES.items() if state not in FINISHED or not wanted.only_open}
    who = {**views.WHO, **({wanted.who: wanted.who} if wanted.who else {}), **colleagues, **views.WHO}
    return {
        "priority": _items({one: f"{one} {views.PRIORITIES[one].lower()}" for one in Priority}, wanted.priority),
        "platform": _items(PLATFORMS, wanted.platform),
        "kind": _items(wording.TYPES, wanted.kind),
        "behaviour": _items({code: wording.words(code) for code in domain.HAPPENED}, wanted.behaviour),
        "state": _items(fits | ({wanted.state: wording.STATES[wanted.state]} if wanted.state else {}), wanted.state),
        "who": _items(who, wanted.who),
        "replies": _items({"yes": "Unread replies"}, "yes" if wanted.replies else None),
        "taken_down": _items(views.TAKEN_DOWN, wanted.taken_down),
        "tasks": _items(views.TASKS, wanted.tasks),
    }


def _items(choices: Mapping[S, str], chosen: str | None) -> list[dict[str, object]]:
    items: list[dict[str, object]] = [{"value": "", "text": "Any"}]
    return items + [{"value": str(code), "text": text, "selected": code == chosen} for code, text in choices.items()]


def _headings(wanted: QueueFilter) -> dict[str, dict[str, str]]:
    """Return the headings that sort: where each leads, what it says, and the direction of the one that is in use."""
    found = {}
    for name, orders in _SORTED_BY.items():
        following = orders[-1] if wanted.order is orders[0] else orders[0]
        direction = "descending" if wanted.order is Sort.OLDEST else "ascending"
        current = direction if wanted.order in orders else ""
        found[name] = {"href": wanted.url(sort=following), "text": views.ORDERS[following], "direction": current}
    return found


def _arrivals_url(wanted: QueueFilter, newest: UUID) -> str:
    return "/cases/arrivals?" + "&".join(filter(None, [wanted.query(), f"since={newest}"]))
