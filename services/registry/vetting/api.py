"""Vetting as JSON: /accounts/api/v1/vetting."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.registry.context.dependencies import WorkDep
from services.registry.vetting.bodies import ClearanceBody, VettingBody, VettingList
from services.registry.vetting.domain import Clearance
from services.registry.vetting.handlers import record
from services.registry.vetting.queries import PAGE, list_vetting
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.ids import StaffId

router = APIRouter(
    prefix="/accounts/api/v1/vetting", tags=["operators"], dependencies=[requires(Permission.RECORD_GATES)]
)


@router.get("")
async def get_vetting(
    work: WorkDep, cursor: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = PAGE
) -> VettingList:
    """List what was recorded, the newest first."""
    page = await list_vetting(work.session, cursor=cursor, limit=limit)
    return VettingList(items=tuple(map(VettingBody.of, page.items)), next_cursor=page.next_cursor)


@router.post("", status_code=204)
async def post_vetting(work: WorkDep, body: ClearanceBody) -> None:
    """Record what somebody holds from now on."""
    await record(work, Clearance(StaffId(body.staff_id), body.level, body.expires_on if body.level else None))
