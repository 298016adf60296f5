"""The operations page (`/cases/operations`), its tables as files, and its live stream."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from services.triage.cases import views
from services.triage.cases.access import Viewer
from services.triage.operations.api import AskedDep, Overseer, read
from services.triage.operations.charts import Table
from services.triage.operations.dashboard import PERIODS
from services.triage.operations.live import Fragments, LiveParts, TooManyStreams, View, clock
from shared.auth.guard import current_session
from shared.auth.permissions import Permission, Principal
from shared.csv import line
from shared.events.vocabulary import Team
from shared.runtime import parts_of
from shared.server import stop_of
from shared.web.dependencies import Transaction
from shared.web.pages import render
from shared.web.problems import standard_problem

_RISING, _FALLING, _DOT = "M-2 2l4-4M0 8l8-8M6 10l4-4", "M-2 6l4 4M0 0l8 8M6-2l4 4", "M3 4h2"
PATTERNS = (
    ("signpost-shade-1", _RISING, False),
    ("signpost-shade-2", f"{_RISING}{_FALLING}", True),
    ("signpost-age-0", _DOT, False),
    ("signpost-age-1", _RISING, False),
    ("signpost-age-3", _FALLING, True),
    ("signpost-age-4", f"{_RISING}{_FALLING}", True),
)
"""The pattern of a shade: its lines, and whether they are light. The shades that are not here are plain."""

router = APIRouter(prefix="/cases/operations", include_in_schema=False)


@router.get("")
async def page(request: Request, session: Transaction, overseer: Overseer, asked: AskedDep) -> HTMLResponse:
    """Show the state of the whole service."""
    parts = parts_of(request, LiveParts)
    shown = await read(parts, session, Viewer.of(overseer), asked)
    return render(
        request,
        "operations/page.html",
        dashboard=shown,
        fragments=_fragments(parts, overseer).of(shown),
        periods=PERIODS,
        teams={team: views.FULL_TEAM_NAMES[team] for team in Team},
        patterns=PATTERNS,
        clock=clock,
    )


@router.get("/stream")
async def stream(request: Request, overseer: Overseer, asked: AskedDep) -> Response:
    """Send changes of the page as they happen, until the session or the process ends."""
    parts, session = parts_of(request, LiveParts), current_session(request)
    view = View(overseer.subject, Viewer.of(overseer), asked, _fragments(parts, overseer))
    try:
        sending = parts.live_figures.open(parts, view, session, stop_of(request))
    except TooManyStreams as error:
        raise standard_problem(503, headers={"retry-after": "60"}) from error
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(sending, media_type="text/event-stream", headers=headers)


@router.get("/{table}.csv")
async def table_as_csv(
    request: Request, session: Transaction, overseer: Overseer, table: str, asked: AskedDep
) -> Response:
    """Return the table of one panel as CSV."""
    parts = parts_of(request, LiveParts)
    shown = await read(parts, session, Viewer.of(overseer), asked)
    panel = shown.panel(table)
    if panel is None:
        raise standard_problem(404)
    name = f"signpost-{panel.id}-{shown.at:%Y-%m-%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(panel.table), media_type="text/csv; charset=utf-8", headers=headers)


def _fragments(parts: LiveParts, overseer: Principal) -> Fragments:
    return Fragments(parts.templates, operates=overseer.may(Permission.OPERATE_DEAD_LETTERS))


def as_csv(table: Table) -> str:
    """Return the table as CSV with a heading line; an unknown value is empty, and formulas are made harmless."""
    return "".join(map(line, (table.columns, *table.rows)))
