"""Training as JSON: /accounts/api/v1/training."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.registry.context.dependencies import WorkDep
from services.registry.training.bodies import CompletionBody, RecordedBody, TrainingBody, TrainingList
from services.registry.training.domain import Completion
from services.registry.training.handlers import record
from services.registry.training.queries import PAGE, list_training
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.ids import StaffId

router = APIRouter(
    prefix="/accounts/api/v1/training", tags=["operators"], dependencies=[requires(Permission.RECORD_GATES)]
)


@router.get("")
async def get_training(
    work: WorkDep, cursor: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = PAGE
) -> TrainingList:
    """List what was recorded, the newest first."""
    page = await list_training(work.session, cursor=cursor, limit=limit)
    items = tuple(TrainingBody.of(one, work.periods.training_months) for one in page.items)
    return TrainingList(items=items, next_cursor=page.next_cursor)


@router.post("", status_code=201)
async def post_training(work: WorkDep, body: CompletionBody) -> RecordedBody:
    """Record that somebody completed training; the same record twice changes nothing."""
    completion = Completion(StaffId(body.staff_id), body.course, body.completed_on)
    return RecordedBody(recorded=bool(await record(work, [completion])))
