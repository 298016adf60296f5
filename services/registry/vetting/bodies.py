"""Vetting as JSON."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.registry.accounts.domain import Vetting
from services.registry.context.dependencies import Day, Name
from services.registry.vetting.domain import VettingRecord
from shared.web.bodies import Body


class VettingBody(BaseModel):
    """One record."""

    model_config = ConfigDict(frozen=True)

    staff_id: str
    level: Vetting | None
    expires_on: date | None
    recorded_by: str
    recorded_at: datetime

    @classmethod
    def of(cls, record: VettingRecord) -> Self:
        """Return what a client sees of a record."""
        held = record.clearance
        return cls(
            staff_id=held.staff_id,
            level=held.level,
            expires_on=held.expires_on,
            recorded_by=record.recorded_by,
            recorded_at=record.recorded_at,
        )


class VettingList(BaseModel):
    """One page of records."""

    model_config = ConfigDict(frozen=True)

    items: tuple[VettingBody, ...]
    next_cursor: UUID | None


class ClearanceBody(Body):
    """What somebody holds from now on; no level says that they hold none."""

    staff_id: Name
    level: Vetting | None = None
    expires_on: Day | None = None
