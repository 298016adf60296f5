"""The queue (`/cases`): the cases that a responder may see, page by page, most urgent and oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import ColumnElement, ScalarSelect, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import views
from services.triage.cases.access import Viewer
from services.triage.cases.dependencies import CaseParts, ViewerDep
from services.triage.cases.domain import Case
from services.triage.cases.queries import QueueView, evidence_seen, of_view, to_case, visible_to
from services.triage.cases.tables import CaseRow
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Behaviour, Effect, MisuseBehaviour, Priority, ReportType, Team
from shared.people import known_person, named
from shared.runtime import parts_of
from shared.web.dependencies import Now, Transaction
from shared.web.pages import render

router = APIRouter(include_in_schema=False)
E = TypeVar("E", bound=StrEnum)

PAGE_SIZE = 50
HAPPENED = tuple(dict.fromkeys(str(one) for kind in (Behaviour, MisuseBehaviour, Effect) for one in kind))
"""What a queue can be filtered by."""
MOST_ANNOUNCED = 99
"""New arrivals and unread replies are counted up to this number."""
NO_CASE_YET = UUID(int=0)


VIEWS = {
    QueueView.ALL: "All open",
    QueueView.MINE: "My work",
    QueueView.UNCLAIMED: "Unclaimed",
    QueueView.REPLIES: "Replies",
    QueueView.AT_RISK: "At risk",
    QueueView.RESTRICTED: "Restricted",
    QueueView.REVIEWS: "Look again",
    QueueView.FINISHED: "Finished",
}
COUNTED = (QueueView.REPLIES, QueueView.REVIEWS)
"""Views that say how many cases they have."""


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """The filters of a queue, as in its URL."""

    view: QueueView = QueueView.ALL
    team: Team | None = None
    priority: Priority | None = None
    report_type: ReportType | None = None
    platform: str | None = None
    behaviour: str | None = None
    """A behaviour of abuse or misuse, or an effect of an incident."""
    after: tuple[str, UUID] | None = None
    """Priority and id of the last row seen: where the next page begins."""
    before: tuple[str, UUID] | None = None
    """Priority and id of the first row seen: where the previous page ends."""

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read a URL's parameters; ignore those that make no sense."""
        return cls(
            view=_member(QueueView, parameters.get("view")) or QueueView.ALL,
            team=_member(Team, parameters.get("team")),
            priority=_member(Priority, parameters.get("priority")),
            platform=platform if (platform := parameters.get("platform")) in PLATFORMS else None,
            report_type=_member(ReportType, parameters.get("type")),
            behaviour=said if (said := parameters.get("behaviour")) in HAPPENED else None,
            after=_position(parameters.get("after", "")),
            before=_position(parameters.get("before", "")),
        )

    def url(self, **changes: object) -> str:
        """Return the address of this queue with `changes`; a change of filter begins at the first page."""
        wanted = replace(self, **{"after": None, "before": None, **changes})  # type: ignore[arg-type] # replace checks the names
        parameters = {
            "view": None if wanted.view is QueueView.ALL else wanted.view.value,
            "team": wanted.team,
            "priority": wanted.priority,
            "type": wanted.report_type,
            "platform": wanted.platform,
            "behaviour": wanted.behaviour,
            "after": "_".join(map(str, wanted.after)) if wanted.after else None,
            "before": "_".join(map(str, wanted.before)) if wanted.before else None,
        }
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"/cases?{query}" if query else "/cases"


@dataclass(frozen=True, slots=True)
class Queued:
    """A case as a row of the queue."""

    case: Case
    platform: str
    behaviours: tuple[str, ...]
    due_at: datetime | None
    at_risk_at: datetime | None
    assignee: str
    manager: str
    """Who works on it, by name as far as it is known; empty if there is no such person."""
    evidence: int
    """How many pieces the viewer may see."""

    def about(self, with_team: bool) -> list[str]:  # noqa: FBT001 - called by a template
        """Return the row's second line: platform, team if the viewer has several, and anything special."""
        case = self.case
        said = [
            views.platform(self.platform) if self.platform else "",
            views.SHORT_TEAM_NAMES[case.team] if with_team else "",
            "Restricted" if case.restricted else "",
            "Evidence" if self.evidence else "",
            "Withdrawal requested" if case.withdrawn_at else "",
            "Look again" if case.review_asked_at else "",
        ]
        return [text for text in said if text]


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
    wanted = QueueFilter.read(request.query_params)
    found = await page(session, viewer, wanted, now)
    shown = found[-PAGE_SIZE:] if wanted.before else found[:PAGE_SIZE]
    more = len(found) > PAGE_SIZE
    earlier = more if wanted.before else wanted.after is not None
    later = more or wanted.before is not None
    newest, counts = await beside(session, viewer, wanted, now)
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
    count = await count_arrivals(session, viewer, QueueFilter.read(request.query_params), since, now)
    return JSONResponse({"new": count})


async def page(session: AsyncSession, viewer: Viewer, wanted: QueueFilter, now: datetime) -> list[Queued]:
    """Return a page of cases in their order, plus one more if there are more in the direction of reading."""
    assignee, manager = known_person.alias(), known_person.alias()
    query = (
        select(CaseRow, assignee.c.name, manager.c.name, evidence_seen(viewer))
        .outerjoin(assignee, assignee.c.staff_id == func.lower(CaseRow.assignee))
        .outerjoin(manager, manager.c.staff_id == func.lower(CaseRow.manager))
        .where(visible_to(viewer), *_conditions(viewer, wanted, now))
    )
    if wanted.after:
        query = query.where(tuple_(CaseRow.priority, CaseRow.case_id) > tuple_(*wanted.after))
    order = (CaseRow.priority, CaseRow.case_id)
    if wanted.before:
        query = query.where(tuple_(*order) < tuple_(*wanted.before)).order_by(*(column.desc() for column in order))
    rows = (await session.execute(query.order_by(*order).limit(PAGE_SIZE + 1))).all()
    return [_queued(*row) for row in (reversed(rows) if wanted.before else rows)]


async def count_arrivals(session: AsyncSession, viewer: Viewer, wanted: QueueFilter, since: UUID, now: datetime) -> int:
    """Count cases of a queue that were opened after case `since`, up to a limit."""
    query = select(CaseRow.case_id).where(
        visible_to(viewer), CaseRow.case_id > since, *_conditions(viewer, wanted, now)
    )
    return len((await session.scalars(query.limit(MOST_ANNOUNCED))).all())


async def beside(
    session: AsyncSession, viewer: Viewer, wanted: QueueFilter, now: datetime
) -> tuple[UUID, dict[QueueView, int]]:
    """Return the id of the newest case that the viewer may see, and how many cases views have; in one statement.

    Ids of later cases are greater. Views are counted with the same filters, up to one more than are said.
    """
    newest = select(CaseRow.case_id).where(visible_to(viewer)).order_by(CaseRow.case_id.desc()).limit(1)
    counted = [_count(viewer, replace(wanted, view=view), now) for view in COUNTED]
    found = (await session.execute(select(newest.scalar_subquery(), *counted))).one()
    last: UUID | None = found[0]
    return last or NO_CASE_YET, dict(zip(COUNTED, found[1:], strict=True))


def _count(viewer: Viewer, wanted: QueueFilter, now: datetime) -> ScalarSelect[int]:
    some = select(CaseRow.case_id).where(visible_to(viewer), *_conditions(viewer, wanted, now))
    return select(func.count()).select_from(some.limit(MOST_ANNOUNCED + 1).subquery()).scalar_subquery()


def _queued(row: CaseRow, assignee: str | None, manager: str | None, evidence: int) -> Queued:
    return Queued(
        to_case(row),
        row.platform,
        tuple(row.behaviours),
        row.due_at,
        row.at_risk_at,
        assignee=row.assignee_name or named(assignee, row.assignee),
        manager=named(manager, row.manager),
        evidence=evidence,
    )


def _conditions(viewer: Viewer, wanted: QueueFilter, now: datetime) -> list[ColumnElement[bool]]:
    conditions = of_view(viewer, wanted.view, now)
    if wanted.team:
        conditions.append(CaseRow.team == wanted.team)
    if wanted.priority:
        conditions.append(CaseRow.priority == wanted.priority)
    if wanted.report_type:
        conditions.append(CaseRow.report_type == wanted.report_type)
    if wanted.platform:
        conditions.append(CaseRow.platform == wanted.platform)
    if wanted.behaviour:
        conditions.append(CaseRow.behaviours.contains([wanted.behaviour]))
    return conditions


def _member(kind: type[E], text: str | None) -> E | None:
    return next((member for member in kind if member == text), None)


def _position(text: str) -> tuple[str, UUID] | None:
    priority, _, case_id = text.partition("_")
    try:
        return Priority(priority).value, UUID(case_id)
    except ValueError:
        return None


def _heading(wanted: QueueFilter) -> str:
    view = VIEWS[wanted.view]
    return f"{view}: {views.FULL_TEAM_NAMES[wanted.team]}" if wanted.team else view


def _views(wanted: QueueFilter, counts: Mapping[QueueView, int]) -> list[Link]:
    said = {view: f"{MOST_ANNOUNCED}+" if n > MOST_ANNOUNCED else str(n or "") for view, n in counts.items()}
    return [Link(text, wanted.url(view=view), view is wanted.view, said.get(view, "")) for view, text in VIEWS.items()]


def _teams(viewer: Viewer, wanted: QueueFilter) -> list[Link]:
    links = [
        Link(views.FULL_TEAM_NAMES[team], wanted.url(team=team), team is wanted.team)
        for team in Team
        if team in viewer.teams
    ]
    return [Link("All my teams", wanted.url(team=None), wanted.team is None), *links]


def _chips(wanted: QueueFilter) -> list[Link]:
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


def _filters(wanted: QueueFilter) -> dict[str, list[dict[str, object]]]:
    """Return the choices of the filter form, as items of GOV.UK selects."""
    return {
        "priority": _items({p.value: p.value for p in Priority}, wanted.priority),
        "platform": _items(PLATFORMS, wanted.platform),
        "type": _items({kind.value: text for kind, text in views.TYPES.items()}, wanted.report_type),
        "behaviour": _items({code: views.words(code) for code in HAPPENED}, wanted.behaviour),
    }


def _items(choices: Mapping[str, str], chosen: str | None) -> list[dict[str, object]]:
    items: list[dict[str, object]] = [{"value": "", "text": "Any"}]
    return items + [{"value": value, "text": text, "selected": value == chosen} for value, text in choices.items()]


def _place(row: Queued) -> tuple[str, UUID]:
    return row.case.priority.value, row.case.case_id


def _arrivals_url(wanted: QueueFilter, newest: UUID) -> str:
    url = wanted.url().replace("/cases", "/cases/arrivals", 1)
    return f"{url}{'&' if '?' in url else '?'}since={newest}"
