"""What waits for you, as JSON: /accounts/api/v1/waiting."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from services.registry.context.dependencies import WorkDep
from services.registry.overview.queries import tasks_for

router = APIRouter(prefix="/accounts/api/v1", tags=["waiting"])


class WaitingBody(BaseModel):
    """Ids of everything that you can act on now."""

    model_config = ConfigDict(frozen=True)

    requests: tuple[UUID, ...]
    removal_tasks: tuple[UUID, ...]
    operators_without_a_gate: tuple[UUID, ...]
    operators_without_a_device: tuple[UUID, ...]
    accounts_to_confirm: tuple[UUID, ...]
    accounts_to_recover: tuple[UUID, ...]
    accounts_to_review: tuple[UUID, ...]
    accounts_to_check: tuple[UUID, ...]


@router.get("/waiting")
async def get_waiting(work: WorkDep) -> WaitingBody:
    """List what waits for you: requests, removals, gates, confirmations, recoveries, reviews and checks."""
    found = await tasks_for(work)
    return WaitingBody(
        requests=tuple(one.id for one in found.requests),
        removal_tasks=tuple(one.id for _, one in found.removals),
        operators_without_a_gate=tuple(one.id for _, one in found.gates),
        operators_without_a_device=tuple(one.id for _, one in found.exceptions),
        accounts_to_confirm=tuple(one.id for one in found.confirmations),
        accounts_to_recover=tuple(one.id for one in found.recoveries),
        accounts_to_review=tuple(one.id for one in found.reviews),
        accounts_to_check=tuple(one.id for one in found.checks),
    )
