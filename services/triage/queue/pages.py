"""The queue (`/cases`): the cases that a responder may see, one line each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from services.triage.cases import lists
from services.triage.cases import views as wording
from services.triage.cases.access import Viewer
from services.triage.cases.dependencies import CaseParts, ViewerDep
from services.triage.cases.domain import FINISHED
from services.triage.queue import domain, handlers, queries, views
from services.triage.queue.domain import QueueFilter, QueueView, Sort
from services.triage.search.domain import Sought
from services.triage.search.handlers import note_search
from services.triage.search.queries import referred
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Priority, Team
from shared.runtime import parts_of
from shared.web.dependencies import IdsDep, Now, Transaction
from shared.web.pages import render
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
    """Of the cases that it leads to; empty for none."""


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
    beside = [replace(wanted, view=view, q="") for view in views.VIEWS]
    newest, counts = await queries.beside(session, viewer, beside, now)
    rows = await lists.load(session, viewer, found.case_ids)
    return render(
        request,
        "queue.html",
        wanted=wanted,
        heading=_heading(wanted),
        rows=rows,
        marks=await queries.marks(session, viewer, rows),
        found=found,
        sought=wanted.q,
        views=_views(wanted, counts),
        teams=_teams(viewer, wanted),
        chips=_chips(wanted),
        filters=_filters(wanted),
        headings=_headings(wanted),
        queue=(queue := wanted.query(str(cursor) if cursor else "")),
        opened_from="?" + urlencode({"from": queue}) if queue else "",
        next_page=wanted.url(str(found.later)) if found.later else None,
        previous_page=wanted.url(str(found.earlier)) if found.earlier else None,
        first_page=wanted.url() if cursor else None,
        arrivals="" if wanted.q else _arrivals_url(wanted, newest),
        viewer=viewer,
        wording=wording,
        said=views,
        hours=parts_of(request, CaseParts).deadlines.hours,
        done=request.query_params.get("done"),
    )


@live.get("/cases/arrivals")
async def arrivals(
    request: Request, session: Transaction, viewer: ViewerDep, now: Now, since: Annotated[UUID, Query()]
) -> JSONResponse:
    """Return how many cases came to this queue after case `since`."""
    asked = queries.listing(viewer, QueueFilter.read(request.query_params), now)
    return JSONResponse({"new": await lists.count_arrivals(session, asked, since)})


def _heading(wanted: QueueFilter) -> str:
    if wanted.q:
        return "Search results"
    view = views.VIEWS[wanted.view or QueueView.ALL]
    return f"{view}: {wording.FULL_TEAM_NAMES[wanted.team]}" if wanted.team else view


def _views(wanted: QueueFilter, counts: Sequence[int]) -> list[Link]:
    found = zip(views.VIEWS.items(), counts, strict=True)
    unsearched = replace(wanted, q="", sort=None) if wanted.q else wanted
    links = [Link(text, unsearched.url(view=view), view is wanted.view, views.count(n)) for (view, text), n in found]
    return [*links, Link("Campaigns", "/cases/campaigns")]


def _teams(viewer: Viewer, wanted: QueueFilter) -> list[Link]:
    links = [
        Link(wording.FULL_TEAM_NAMES[team], wanted.url(team=team), team is wanted.team)
        for team in Team
        if team in viewer.teams
    ]
    return [Link("All my teams", wanted.url(team=None), wanted.team is None), *links]


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
        "campaign": "One campaign" if wanted.campaign else None,
    }
    unset = QueueFilter()
    return [Link(text, wanted.url(**{name: getattr(unset, name)})) for name, text in said.items() if text]


def _filters(wanted: QueueFilter) -> dict[str, list[dict[str, object]]]:
    """Return the choices of the filter form, as items of GOV.UK selects."""
    fits = {state: text for state, text in wording.STATES.items() if state not in FINISHED or not wanted.only_open}
    who = views.WHO | ({wanted.who: wanted.who} if wanted.who else {})
    return {
        "priority": _items({one: f"{one} {views.PRIORITIES[one].lower()}" for one in Priority}, wanted.priority),
        "platform": _items(PLATFORMS, wanted.platform),
        "kind": _items(wording.TYPES, wanted.kind),
        "behaviour": _items({code: wording.words(code) for code in domain.HAPPENED}, wanted.behaviour),
        "state": _items(fits | ({wanted.state: wording.STATES[wanted.state]} if wanted.state else {}), wanted.state),
        "who": _items(who | {code: text for code, text in views.WHO.items() if code}, wanted.who),
        "replies": _items({"yes": "Unread replies"}, "yes" if wanted.replies else None),
        "taken_down": _items(views.TAKEN_DOWN, wanted.taken_down),
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
