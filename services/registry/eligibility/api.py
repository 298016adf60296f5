"""Training and vetting as JSON: /accounts/api/v1/training and /accounts/api/v1/vetting."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from services.registry.accounts.domain import Vetting
from services.registry.context.dependencies import Day, Id, Name, WorkDep, read_through
from services.registry.eligibility.domain import Clearance, Completion, TrainingRecord
from services.registry.eligibility.handlers import record_training, record_vetting
from services.registry.eligibility.queries import PAGE, list_training, list_vetting
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.ids import StaffId
from shared.web.bodies import Body

training_router = APIRouter(
    prefix="/accounts/api/v1/training", tags=["operators"], dependencies=[requires(Permission.RECORD_GATES)]
)
vetting_router = APIRouter(
    prefix="/accounts/api/v1/vetting", tags=["operators"], dependencies=[requires(Permission.RECORD_GATES)]
)


class TrainingBody(BaseModel):
    """One record."""

    model_config = ConfigDict(frozen=True)

    staff_id: str
    course: str
    completed_on: date
    valid_until: date
    """The last day on which it is valid."""
    recorded_by: str
    recorded_at: datetime

    @classmethod
    def of(cls, record: TrainingRecord, months: int) -> Self:
        """Return the body of a record, where training is valid for the given number of months."""
        done = record.completion
        return cls(
            staff_id=done.staff_id,
            course=done.course,
            completed_on=done.completed_on,
            valid_until=done.valid_until(months),
            recorded_by=record.recorded_by,
            recorded_at=record.recorded_at,
        )


class TrainingList(BaseModel):
    """One page of records."""

    model_config = ConfigDict(frozen=True)

    items: tuple[TrainingBody, ...]
    next_cursor: UUID | None


class CompletionBody(Body):
    """Who completed which course, and when."""

    staff_id: Id
    course: Name
    completed_on: Day


class RecordedBody(BaseModel):
    """Whether the record was new."""

    model_config = ConfigDict(frozen=True)

    recorded: bool


@training_router.get("")
async def get_training(
    work: WorkDep, cursor: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = PAGE
) -> TrainingList:
    """List what was recorded, the newest first."""
    page = await list_training(work.session, cursor=cursor, limit=limit)
    items = tuple(TrainingBody.of(one, work.periods.training_months) for one in page.items)
    return TrainingList(items=items, next_cursor=page.next_cursor)


@training_router.post("", status_code=201)
async def post_training(work: WorkDep, body: CompletionBody) -> RecordedBody:
    """Record that a person completed training; the same record twice changes nothing."""
    completion = Completion(StaffId(body.staff_id), body.course, body.completed_on)
    return RecordedBody(recorded=bool(await record_training(work, [completion])))


class VettingBody(BaseModel):
    """One record."""

    model_config = ConfigDict(frozen=True, alias_generator=read_through("clearance"), validate_by_name=True)

    staff_id: str
    level: Vetting | None
    expires_on: date | None
    recorded_by: str
    recorded_at: datetime


class VettingList(BaseModel):
    """One page of records."""

    model_config = ConfigDict(frozen=True)

    items: tuple[VettingBody, ...]
    next_cursor: UUID | None


class ClearanceBody(Body):
    """The vetting that a person now holds; no level means none."""

    staff_id: Id
    level: Vetting | None = None
    expires_on: Day | None = None


@vetting_router.get("")
async def get_vetting(
    work: WorkDep, cursor: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = PAGE
) -> VettingList:
    """List what was recorded, the newest first."""
    page = await list_vetting(work.session, cursor=cursor, limit=limit)
    return VettingList(
        items=tuple(VettingBody.model_validate(one, from_attributes=True) for one in page.items),
        next_cursor=page.next_cursor,
    )


@vetting_router.post("", status_code=204)
async def post_vetting(work: WorkDep, body: ClearanceBody) -> None:
    """Record the vetting that a person now holds."""
    await record_vetting(work, Clearance(StaffId(body.staff_id), body.level, body.expires_on if body.level else None))
