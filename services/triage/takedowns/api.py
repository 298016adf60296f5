"""/cases/api/v1/cases/{case_id}/takedowns: what platforms were asked to remove, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as cases
from services.triage.cases.api import CaseDetail, Read, answer
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.takedowns import domain, handlers, queries
from services.triage.takedowns.domain import FormState, How, Protocol, TakedownState
from services.triage.takedowns.protocols import XarfType
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.platforms import PLATFORMS
from shared.runtime import Parts, parts_of
from shared.web import bodies
from shared.web.problems import standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["take-downs"])


def _known(platform: str) -> str:
    if platform not in PLATFORMS:
        raise bodies.InvalidValue("Choose a known platform, or other")
    return platform


@dataclass(frozen=True, kw_only=True)
class TakedownParts(Parts):
    """What the routes of take-downs need besides the parts of every service."""

    machines: handlers.Machines


class FormItem(BaseModel):
    """A form that a machine reads, without what it says."""

    model_config = ConfigDict(from_attributes=True)

    form_id: UUID
    protocol: Protocol
    state: FormState
    made_at: AwareDatetime
    made_by: str
    attempts: int
    next_at: AwareDatetime | None
    sent_at: AwareDatetime | None
    answer: str | None = Field(description="What the endpoint calls it, or why it was not sent.")


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
    forms: list[FormItem]


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
    asked_at: bodies.Moment | None = Field(None, description="When the platform was asked; without it, now.")


class HeardBody(bodies.Body):
    """What came of it."""

    state: TakedownState
    reference: Annotated[bodies.Name, Field(min_length=1, max_length=domain.LONGEST_REFERENCE)] | None = None
    note: Annotated[bodies.Text, Field(min_length=1, max_length=domain.LONGEST_NOTE)] | None = None


class FormBody(bodies.Body):
    """Which machine form. `kind` is the type of XARF, which has none for harassment."""

    protocol: Protocol
    kind: XarfType | None = None


@router.get("/cases/{case_id}/takedowns")
async def list_takedowns(work: WorkDep, case_id: UUID, *, content: bool = False) -> TakedownList:
    """List what platforms were asked about this case. `content=true` adds the links, which is recorded."""
    case = await cases.get(work.session, work.viewer, case_id)
    if content and not work.viewer.sees_content:
        raise standard_problem(403)
    if content:
        await case_handlers.show_content(work, case)
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


@router.post("/cases/{case_id}/takedowns/{takedown_id}/forms")
async def make_form(
    request: Request, work: WorkDep, case_id: UUID, takedown_id: UUID, read: Read, body: FormBody, response: Response
) -> CaseWithTakedowns:
    """Make a form that a machine reads: AT Protocol `createReport`, ActivityPub `Flag` or XARF.

    It is sent soon if an endpoint is set, and tried again if that does not take it.
    """
    wanted = handlers.WantedForm(body.protocol, body.kind)
    machines = parts_of(request, TakedownParts).machines
    case = await handlers.make_form(work, case_id, read, takedown_id, wanted, machines)
    return await _answer(work, case, response)


@router.get(
    "/cases/{case_id}/takedowns/{takedown_id}/forms/{form_id}", dependencies=[requires(Permission.SEE_CASE_CONTENT)]
)
async def read_form(work: WorkDep, case_id: UUID, takedown_id: UUID, form_id: UUID) -> dict[str, object]:
    """Read a machine form as it is or was sent. It has the link: that you looked is recorded."""
    case = await case_handlers.show_content(work, await cases.get(work.session, work.viewer, case_id))
    forms = (await queries.forms_of_cases(work.session, [case.case_id]))[case.case_id]
    found = next((one for one in forms if (one.takedown_id, one.form_id) == (takedown_id, form_id)), None)
    if found is None:
        raise domain.TakedownNotFound
    return dict(found.body)


async def _answer(work: WorkDep, case: Case, response: Response) -> CaseWithTakedowns:
    detail = await answer(work.session, case, response)
    return CaseWithTakedowns(**dict(detail), takedowns=await _items(work, case.case_id, content=False))


async def _items(work: WorkDep, case_id: UUID, *, content: bool) -> list[TakedownItem]:
    forms = (await queries.forms_of_cases(work.session, [case_id]))[case_id]
    return [item_of(one, forms, content=content) for one in await queries.of_case(work.session, case_id)]


def item_of(takedown: domain.Takedown, forms: Sequence[domain.MachineForm], *, content: bool) -> TakedownItem:
    """Return a take-down with those of the forms that are about it; its link only with `content`."""
    fields = {name: getattr(takedown, name) for name in domain.Takedown.__slots__}
    shown = fields | ({} if content else {"link": None})
    mine = [FormItem.model_validate(one) for one in forms if one.takedown_id == takedown.takedown_id]
    return TakedownItem.model_validate(shown | {"next": domain.steps_from(takedown.state), "forms": mine})
