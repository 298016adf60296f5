"""/cases/api/v1/cases/{case_id}/merge, /unmerge, /split, /undo-split and /merges."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.cases import queries as cases
from services.triage.cases.api import CaseDetail, Read, answer
from services.triage.cases.dependencies import WorkDep
from services.triage.merges import handlers, queries
from shared.events.vocabulary import CaseState
from shared.web.bodies import Body, Line, Text

router = APIRouter(prefix="/cases/api/v1", tags=["merges"])

Reason = Annotated[Text, Field(max_length=2_000)] | None


class OtherCase(BaseModel):
    """A case that belongs to this one."""

    model_config = ConfigDict(from_attributes=True)

    case_id: UUID
    reference: str
    state: CaseState


class MergedCaseItem(OtherCase):
    """A case that is merged into this one."""

    due_at: AwareDatetime | None
    """When its own clock ends: what was promised to its reporter stays promised."""
    replied_at: AwareDatetime | None
    """Since when something from its reporter is unread by the team."""


class Merges(BaseModel):
    """What is merged with a case, as far as you may see it."""

    into: OtherCase | None
    cases: list[MergedCaseItem]


class SplitAnswer(CaseDetail):
    """The case, and the one that was split off it."""

    split_off: OtherCase


class MergeBody(Body):
    """The case to merge into, by its id or its reference, and why."""

    into: Annotated[Line, Field(min_length=1, max_length=100)]
    reason: Reason = None


class SplitBody(Body):
    """What to split off: behaviours, and links by their number, from 0, or as they are written. Both may be empty."""

    behaviours: Annotated[tuple[Annotated[Line, Field(max_length=100)], ...], Field(max_length=50)] = ()
    links: Annotated[
        tuple[Annotated[int, Field(ge=0)] | Annotated[Line, Field(max_length=2_000)], ...], Field(max_length=100)
    ] = ()
    reason: Reason = None


@router.get("/cases/{case_id}/merges")
async def list_merges(work: WorkDep, case_id: UUID) -> Merges:
    """List the case that this one is merged into, and those that are merged into it."""
    case = await cases.get(work.session, work.viewer, case_id)
    found = await queries.family(work.session, work.viewer, case)
    into = OtherCase.model_validate(found.main) if found.main else None
    return Merges(into=into, cases=[MergedCaseItem.model_validate(one) for one in found.below])


@router.post("/cases/{case_id}/merge")
async def merge(work: WorkDep, case_id: UUID, read: Read, body: MergeBody, response: Response) -> CaseDetail:
    """Merge the case into another. It keeps its reporter, conversation, evidence and clocks, and shares the outcome."""
    case = await handlers.merge(work, case_id, read, body.into, body.reason)
    return await answer(work.session, case, response)


@router.post("/cases/{case_id}/unmerge")
async def unmerge(work: WorkDep, case_id: UUID, read: Read, response: Response) -> CaseDetail:
    """Take the case out of the one it is merged into: within 10 minutes who merged it, later a lead."""
    return await answer(work.session, await handlers.unmerge(work, case_id, read), response)


@router.post("/cases/{case_id}/split")
async def split(work: WorkDep, case_id: UUID, read: Read, body: SplitBody, response: Response) -> SplitAnswer:
    """Open a linked case of the same report about a part of this one."""
    wanted = handlers.Wanted(body.behaviours, body.links)
    case, new = await handlers.split(work, case_id, read, wanted, body.reason)
    detail = await answer(work.session, case, response)
    return SplitAnswer(**dict(detail), split_off=OtherCase.model_validate(new))


@router.post("/cases/{case_id}/undo-split")
async def undo_split(work: WorkDep, case_id: UUID, read: Read, response: Response) -> CaseDetail:
    """Give back what was split off: this case is merged into the one that it was split off, which is whole again."""
    return await answer(work.session, await handlers.undo_split(work, case_id, read), response)
