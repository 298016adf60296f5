"""The queue page (`/cases`), and what announces new arrivals on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from services.triage.cases import queue, wording
from services.triage.cases.access import Viewer
from services.triage.cases.dependencies import ViewerDep
from services.triage.cases.queue import HAPPENED, PAGE_SIZE, Queued, View, Wanted
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Priority, Team
from shared.web.dependencies import Now, Transaction
from shared.web.pages import render

router = APIRouter(include_in_schema=False)

VIEWS = {
    View.ALL: "All open",
    View.MINE: "My work",
    View.UNCLAIMED: "Unclaimed",
    View.AT_RISK: "At risk",
    View.RESTRICTED: "Restricted",
    View.FINISHED: "Finished",
}
NO_CASE_YET = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Link:
    """Something to follow on the page."""

    text: str
    href: str
    current: bool = False


@router.get("/cases")
async def queue_page(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> HTMLResponse:
    """Show what waits for a responder, most urgent and oldest first."""
    wanted = Wanted.read(request.query_params)
    found = await queue.page(session, viewer, wanted, now)
    shown = found[:PAGE_SIZE]
    newest = await queue.newest(session, viewer) or NO_CASE_YET
    return render(
        request,
        "queue.html",
        wanted=wanted,
        heading=_heading(wanted),
        rows=shown,
        views=[Link(text, wanted.url(view=view), view is wanted.view) for view, text in VIEWS.items()],
        teams=_teams(viewer, wanted),
        chips=_chips(wanted),
        filters=_filters(wanted),
        next_page=_next(wanted, shown) if len(found) > PAGE_SIZE else None,
        first_page=wanted.url() if wanted.after else None,
        arrivals=_arrivals_url(wanted, newest),
        viewer=viewer,
        wording=wording,
        done=request.query_params.get("done") == "transfer",
    )


@router.get("/cases/arrivals")
async def arrivals(
    request: Request, session: Transaction, viewer: ViewerDep, now: Now, since: Annotated[UUID, Query()]
) -> JSONResponse:
    """Say how many cases came to this queue after case `since`."""
    count = await queue.arrivals(session, viewer, Wanted.read(request.query_params), since, now)
    return JSONResponse({"new": count})


def _heading(wanted: Wanted) -> str:
    view = VIEWS[wanted.view]
    return f"{view}: {wording.FULL_TEAM_NAMES[wanted.team]}" if wanted.team else view


def _teams(viewer: Viewer, wanted: Wanted) -> list[Link]:
    links = [
        Link(wording.FULL_TEAM_NAMES[team], wanted.url(team=team), team is wanted.team)
        for team in Team
        if team in viewer.teams
    ]
    return [Link("All my teams", wanted.url(team=None), wanted.team is None), *links]


def _chips(wanted: Wanted) -> list[Link]:
    """Return the filters that are set; following one takes it away."""
    chips = []
    if wanted.priority:
        chips.append(Link(wanted.priority, wanted.url(priority=None)))
    if wanted.report_type:
        chips.append(Link(wording.TYPES[wanted.report_type], wanted.url(report_type=None)))
    if wanted.platform:
        chips.append(Link(wording.platform(wanted.platform), wanted.url(platform=None)))
    if wanted.behaviour:
        chips.append(Link(wording.words(wanted.behaviour), wanted.url(behaviour=None)))
    return chips


def _filters(wanted: Wanted) -> dict[str, list[dict[str, object]]]:
    """Return the choices of the filter form, as items of GOV.UK selects."""
    return {
        "priority": _items({p.value: p.value for p in Priority}, wanted.priority),
        "platform": _items(PLATFORMS, wanted.platform),
        "type": _items({kind.value: text for kind, text in wording.TYPES.items()}, wanted.report_type),
        "behaviour": _items({code: wording.words(code) for code in HAPPENED}, wanted.behaviour),
    }


def _items(choices: Mapping[str, str], chosen: str | None) -> list[dict[str, object]]:
    items: list[dict[str, object]] = [{"value": "", "text": "Any"}]
    return items + [{"value": value, "text": text, "selected": value == chosen} for value, text in choices.items()]


def _next(wanted: Wanted, shown: list[Queued]) -> str:
    last = shown[-1].case
    return wanted.url(after=(last.priority.value, last.case_id))


def _arrivals_url(wanted: Wanted, newest: UUID) -> str:
    url = wanted.url().replace("/cases", "/cases/arrivals", 1)
    return f"{url}{'&' if '?' in url else '?'}since={newest}"
