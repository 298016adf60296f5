"""The queue (`/cases`): the cases that a responder may see, page by page, most urgent and oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from services.triage.cases import lists, views
from services.triage.cases.access import Viewer
from services.triage.cases.dependencies import CaseParts, ViewerDep
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Priority, Team
from shared.runtime import parts_of
from shared.web.dependencies import Now, Transaction
from shared.web.pages import render

router = APIRouter(include_in_schema=False)

VIEWS = {
    lists.QueueView.ALL: "All open",
    lists.QueueView.MINE: "My work",
    lists.QueueView.UNCLAIMED: "Unclaimed",
    lists.QueueView.REPLIES: "Replies",
    lists.QueueView.AT_RISK: "At risk",
    lists.QueueView.RESTRICTED: "Restricted",
    lists.QueueView.REVIEWS: "Look again",
    lists.QueueView.FINISHED: "Finished",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link on the page."""

    text: str
    href: str
    current: bool = False
    count: str = ""
    """Of what waits there; empty for none."""


@router.get("/cases")
async def queue_page(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> HTMLResponse:
    """Show the cases that wait for a responder, most urgent and oldest first."""
    wanted = lists.QueueFilter.read(request.query_params)
    found = await lists.page(session, viewer, wanted, now)
    shown = found[-lists.PAGE_SIZE :] if wanted.before else found[: lists.PAGE_SIZE]
    more = len(found) > lists.PAGE_SIZE
    earlier = more if wanted.before else wanted.after is not None
    later = more or wanted.before is not None
    newest, counts = await lists.beside(session, viewer, wanted, now)
    return render(
        request,
        "queue.html",
        wanted=wanted,
        heading=_heading(wanted),
        rows=shown,
        views=_views(wanted, counts),
        teams=_teams(viewer, wanted),
        chips=_chips(wanted),
        filters=_filters(wanted),
        next_page=wanted.url(after=_place(shown[-1])) if shown and later else None,
        previous_page=wanted.url(before=_place(shown[0])) if shown and earlier else None,
        first_page=wanted.url() if wanted.after or wanted.before else None,
        arrivals=_arrivals_url(wanted, newest),
        viewer=viewer,
        wording=views,
        hours=parts_of(request, CaseParts).deadlines.hours,
        done=request.query_params.get("done") == "transfer",
    )


@router.get("/cases/arrivals")
async def arrivals(
    request: Request, session: Transaction, viewer: ViewerDep, now: Now, since: Annotated[UUID, Query()]
) -> JSONResponse:
    """Return how many cases came to this queue after case `since`."""
    count = await lists.count_arrivals(session, viewer, lists.QueueFilter.read(request.query_params), since, now)
    return JSONResponse({"new": count})


def _heading(wanted: lists.QueueFilter) -> str:
    view = VIEWS[wanted.view]
    return f"{view}: {views.FULL_TEAM_NAMES[wanted.team]}" if wanted.team else view


def _views(wanted: lists.QueueFilter, counts: Mapping[lists.QueueView, int]) -> list[Link]:
    most = lists.MOST_ANNOUNCED
    said = {view: f"{most}+" if count > most else str(count or "") for view, count in counts.items()}
    return [Link(text, wanted.url(view=view), view is wanted.view, said.get(view, "")) for view, text in VIEWS.items()]


def _teams(viewer: Viewer, wanted: lists.QueueFilter) -> list[Link]:
    links = [
        Link(views.FULL_TEAM_NAMES[team], wanted.url(team=team), team is wanted.team)
        for team in Team
        if team in viewer.teams
    ]
    return [Link("All my teams", wanted.url(team=None), wanted.team is None), *links]


def _chips(wanted: lists.QueueFilter) -> list[Link]:
    """Return the filters that are set, each as a link that removes it."""
    chips = []
    if wanted.priority:
        chips.append(Link(wanted.priority, wanted.url(priority=None)))
    if wanted.report_type:
        chips.append(Link(views.TYPES[wanted.report_type], wanted.url(report_type=None)))
    if wanted.platform:
        chips.append(Link(views.platform(wanted.platform), wanted.url(platform=None)))
    if wanted.behaviour:
        chips.append(Link(views.words(wanted.behaviour), wanted.url(behaviour=None)))
    return chips


def _filters(wanted: lists.QueueFilter) -> dict[str, list[dict[str, object]]]:
    """Return the choices of the filter form, as items of GOV.UK selects."""
    return {
        "priority": _items({p.value: p.value for p in Priority}, wanted.priority),
        "platform": _items(PLATFORMS, wanted.platform),
        "type": _items({kind.value: text for kind, text in views.TYPES.items()}, wanted.report_type),
        "behaviour": _items({code: views.words(code) for code in lists.HAPPENED}, wanted.behaviour),
    }


def _items(choices: Mapping[str, str], chosen: str | None) -> list[dict[str, object]]:
    items: list[dict[str, object]] = [{"value": "", "text": "Any"}]
    return items + [{"value": value, "text": text, "selected": value == chosen} for value, text in choices.items()]


def _place(row: lists.Queued) -> tuple[str, UUID]:
    return row.case.priority.value, row.case.case_id


def _arrivals_url(wanted: lists.QueueFilter, newest: UUID) -> str:
    url = wanted.url().replace("/cases", "/cases/arrivals", 1)
    return f"{url}{'&' if '?' in url else '?'}since={newest}"
