"""/cases/api/v1/cases/{case_id}/takedowns: what platforms were asked to remove, and what came of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as cases
from services.triage.cases.api import CaseDetail, Read, answer
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.takedowns import domain, handlers, queries
from services.triage.takedowns.domain import How, TakedownState
from shared.events.platforms import PLATFORMS
from shared.web import bodies
from shared.web.problems import standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["take-downs"])


def _known(platform: str) -> str:
    if platform not in PLATFORMS:
        raise bodies.InvalidValue("Choose a known platform, or other")
    return platform


class TakedownItem(BaseModel):
    """One link on one platform. `next` are the states that can follow."""

    model_config = ConfigDict(from_attributes=True)

    takedown_id: UUID
    platform: str
    link: str | None = Field(None, description="Only if you asked for content, and may see it.")
    link_number: int | None = Field(description="Which link of the report it is, counted from 1.")
    category: str
    how: How
    reference: str | None = Field(description="The platform’s own.")
    reported_at: AwareDatetime
    reported_by: str
    state: TakedownState
    chases: int
    chase_at: AwareDatetime | None
    due_at: AwareDatetime
    chase_due: bool
    overdue: bool
    settled_at: AwareDatetime | None
    settled_by: str | None
    next: list[TakedownState]


class TakedownList(BaseModel):
    """The take-downs of one case, oldest first."""

    items: list[TakedownItem]


class CaseWithTakedowns(CaseDetail):
    """The case as it is now, with its take-downs."""

    takedowns: list[TakedownItem]


class AskedBody(bodies.Body):
    """What a platform was asked to remove. With neither `link` nor `link_number` it is the report’s only link."""

    link: Annotated[bodies.Link, Field(min_length=1, max_length=domain.LONGEST_LINK)] | None = None
    link_number: Annotated[bodies.Int, Field(ge=1, le=100)] | None = None
    platform: Annotated[bodies.Key, AfterValidator(_known), Field(max_length=40)] | None = None
    how: How = How.WEB_FORM
    category: Annotated[bodies.Line, Field(max_length=100)] = ""
    reference: Annotated[bodies.Name, Field(min_length=1, max_length=domain.LONGEST_REFERENCE)] | None = None


class HeardBody(bodies.Body):
    """What came of it."""

    state: TakedownState
    reference: Annotated[bodies.Name, Field(min_length=1, max_length=domain.LONGEST_REFERENCE)] | None = None
    note: Annotated[bodies.Text, Field(min_length=1, max_length=domain.LONGEST_NOTE)] | None = None


@router.get("/cases/{case_id}/takedowns")
async def list_takedowns(work: WorkDep, case_id: UUID, *, content: bool = False) -> TakedownList:
    """List what platforms were asked about this case. `content=true` adds the links, which is recorded."""
    case = await cases.get(work.session, work.viewer, case_id)
    if content and not work.viewer.sees_content:
        raise standard_problem(403)
    if content:
        await case_handlers.look(work, case_id, "content_shown")
    elif case.restricted:
        await case_handlers.open_page(work, case_id)
    return TakedownList(items=await _items(work, case_id, content=content))


@router.post("/cases/{case_id}/takedowns")
async def report_takedown(
    work: WorkDep, case_id: UUID, read: Read, body: AskedBody, response: Response
) -> CaseWithTakedowns:
    """Record that a platform was asked to remove a link. No claim is needed."""
    asked = handlers.Asked(**dict(body))
    return await _answer(work, await handlers.report(work, case_id, read, asked), response)


@router.post("/cases/{case_id}/takedowns/{takedown_id}")
async def follow_takedown(
    work: WorkDep, case_id: UUID, takedown_id: UUID, read: Read, body: HeardBody, response: Response
) -> CaseWithTakedowns:
    """Record the next step: asked again (`chased`), `removed`, `refused`, or back again (`restored`)."""
    heard = handlers.Heard(**dict(body))
    return await _answer(work, await handlers.follow(work, case_id, read, takedown_id, heard), response)


async def _answer(work: WorkDep, case: Case, response: Response) -> CaseWithTakedowns:
    detail = await answer(work.session, case, response)
    return CaseWithTakedowns(**dict(detail), takedowns=await _items(work, case.case_id, content=False))


async def _items(work: WorkDep, case_id: UUID, *, content: bool) -> list[TakedownItem]:
    return [_item(one, content=content) for one in await queries.of_case(work.session, case_id)]


def _item(takedown: domain.Takedown, *, content: bool) -> TakedownItem:
    fields = {name: getattr(takedown, name) for name in domain.Takedown.__slots__}
    shown = fields | ({} if content else {"link": None})
    return TakedownItem.model_validate(shown | {"next": domain.steps_from(takedown.state)})
