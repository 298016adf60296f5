"""The list of cases, which people use from scripts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.triage.cases import lists
from services.triage.cases.api import CaseItem, items_of
from services.triage.cases.dependencies import ViewerDep
from shared.events.vocabulary import CaseState, Team
from shared.web.bodies import Line
from shared.web.dependencies import Now, Transaction

router = APIRouter(prefix="/cases/api/v1", tags=["cases"])


class CasePage(BaseModel):
    """One page of cases, and where the next one starts."""

    items: list[CaseItem]
    next_cursor: str | None


@router.get("/cases")
async def list_cases(
    session: Transaction,
    viewer: ViewerDep,
    now: Now,
    report_id: UUID | None = None,
    team: Team | None = None,
    state: CaseState | None = None,
    q: Annotated[Line | None, Query(max_length=100)] = None,
    view: lists.QueueView | None = None,
    sort: lists.Sort = lists.Sort.NEWEST,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> CasePage:
    """List cases that you may see, newest first. `q` finds a reference in any spelling, a platform or a behaviour.

    `view` is one of the queue's: `replies` are the cases with something unread from the reporter, claimed or not.
    """
    seen = (view, now) if view else None
    wanted = lists.CaseFilter(report_id, team, state, q, view=seen, sort=sort, after=cursor)
    cases = await lists.listed(session, viewer, wanted, limit + 1)
    shown = cases[:limit]
    more = str(shown[-1].case_id) if len(cases) > limit else None
    return CasePage(items=await items_of(session, CaseItem, shown), next_cursor=more)
