"""The list of cases, which people use from scripts: the queue's views, filters and orders."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases import lists
from services.triage.cases.api import CaseItem, Read, items_of
from services.triage.cases.dependencies import ViewerDep, WorkDep
from services.triage.cases.domain import LONGEST_QUERY
from services.triage.queue import domain, handlers, queries
from services.triage.queue.domain import QueueFilter, QueueView, Sort
from shared.events.vocabulary import CaseState, Priority, ReportType, Team
from shared.web import bodies
from shared.web.dependencies import IdsDep, Now, Transaction
from shared.web.problems import standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["cases"])

Day = Annotated[date, Field(ge=domain.FIRST_DAY, le=domain.LAST_DAY)]
Code = Annotated[bodies.Line, Query(max_length=60)]


class ListedCase(CaseItem):
    """A case in a list. Send `version` as `If-Match` in a write."""

    version: int
    due_at: AwareDatetime | None
    """When the nearest clock ends; null if none runs."""
    assignee: str | None
    marks: list[str]
    """What is special: `reply`, `task_overdue`, `evidence`, `restricted`, `withdrawal`, `review`, `campaign`."""
    matched: list[str]
    """In which parts of the case the words of `q` were found."""


class CasePage(BaseModel):
    """One page of cases, and where the next one starts."""

    items: list[ListedCase]
    next_cursor: str | None


@router.get("/cases")
async def list_cases(
    session: Transaction,
    viewer: ViewerDep,
    now: Now,
    ids: IdsDep,
    report_id: UUID | None = None,
    view: QueueView | None = None,
    team: Team | None = None,
    kind: ReportType | None = None,
    report_type: Annotated[ReportType | None, Query(alias="type", deprecated=True)] = None,
    behaviour: Code | None = None,
    platform: Code | None = None,
    priority: Priority | None = None,
    state: CaseState | None = None,
    who: Annotated[bodies.Line, Query(max_length=domain.LONGEST_STAFF_ID)] = "",
    since: Day | None = None,
    until: Day | None = None,
    replies: Literal["yes"] | None = None,
    taken_down: Literal["removed", "refused", "asked", "due"] | None = None,
    tasks: Literal["overdue"] | None = None,
    campaign: UUID | None = None,
    q: Annotated[bodies.Line, Query(max_length=domain.LONGEST_SEARCH)] = "",
    sort: Sort | None = None,
    cursor: Annotated[bodies.Line | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> CasePage:
    """List cases that you may see, in the order of the queue's page: missed first, then soonest due, unless you sort.

    `q` finds a reference in any spelling, words, phrases in quotes, names, accounts, links and files: the best of the
    newest 1,000 first, then older ones by date; with a `sort`, these 1,000 in its order. The view `finished` is newest
    first. The filters are the queue's, with its `view`, if given; without one, cases in any state are listed.
    """
    wanted = QueueFilter(
        view=view, team=team, kind=kind or report_type, behaviour=behaviour, platform=platform, priority=priority,
        state=state, who=who, since=since, until=until, replies=bool(replies), taken_down=taken_down, tasks=tasks,
        campaign=campaign, q=q, sort=sort,
    )  # fmt: skip
    asked = queries.listing(viewer, wanted, now, report_id)
    found = await handlers.look(session, asked, wanted, _start(cursor, wanted), now, ids, limit)
    return CasePage(items=await _items(session, viewer, found), next_cursor=str(found.later) if found.later else None)


def _start(cursor: str | None, wanted: QueueFilter) -> queries.Start | None:
    start = queries.read_cursor(cursor, wanted) if cursor else None
    if cursor and start is None:
        message = "Give the next_cursor of an answer with the same filters and the same sort"
        raise standard_problem(422, fields=[{"name": "cursor", "message": message}])
    return start


class SavedViewItem(BaseModel):
    """A view of the queue that you keep, or a team of yours. `query` is what follows `?` in its address."""

    model_config = ConfigDict(from_attributes=True)

    view_id: UUID
    version: int
    team: Team | None
    """null: your own."""
    name: str
    query: str
    saved_at: AwareDatetime


class SavedViewList(BaseModel):
    """Your own views, by name, and then those of your teams. There are never many."""

    items: list[SavedViewItem]


class SavedViewName(bodies.Body):
    """Another name for a view."""

    name: Annotated[bodies.Line, Field(min_length=1, max_length=domain.LONGEST_NAME)]


class SavedViewBody(SavedViewName):
    """A view to keep. With a `team` that you lead, all of the team have it, and it cannot have words of a search."""

    query: Annotated[bodies.Line, Field(max_length=LONGEST_QUERY)]
    team: Team | None = None


@router.get("/saved-views")
async def list_saved_views(work: WorkDep) -> SavedViewList:
    """List the views that you keep, and those of your teams."""
    found = await queries.saved_views(work.session, work.viewer)
    return SavedViewList(items=[SavedViewItem.model_validate(one) for one in found])


@router.post("/saved-views", status_code=201)
async def save_view(work: WorkDep, body: SavedViewBody) -> SavedViewItem:
    """Keep a view for a year. What is searched for is kept with it, so only you have such a view."""
    wanted, _ = domain.opened_from(body.query)
    return SavedViewItem.model_validate(await handlers.save_view(work, body.name, wanted, body.team))


@router.post("/saved-views/{view_id}")
async def rename_view(work: WorkDep, view_id: UUID, read: Read, body: SavedViewName) -> SavedViewItem:
    """Give a view another name, which keeps it for another year. Send the version that you read in `If-Match`."""
    return SavedViewItem.model_validate(await handlers.rename_view(work, view_id, read, body.name))


@router.delete("/saved-views/{view_id}", status_code=204)
async def delete_view(work: WorkDep, view_id: UUID, read: Read) -> None:
    """Delete a view of yours, or of a team that you lead. Send the version that you read in `If-Match`."""
    await handlers.delete_view(work, view_id, read)


async def _items(session: Transaction, viewer: ViewerDep, found: queries.Page) -> list[ListedCase]:
    rows = await lists.load(session, viewer, found.case_ids)
    marks = await queries.marks(session, viewer, rows)
    beside: dict[UUID, dict[str, object]] = {
        row.case.case_id: {
            "due_at": row.due_at,
            "marks": list(marks[row.case.case_id]),
            "matched": found.matched.get(row.case.case_id, ()),
        }
        for row in rows
    }
    return await items_of(session, ListedCase, [row.case for row in rows], beside)
