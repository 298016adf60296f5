"""Training records as JSON."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.registry.context.dependencies import Day, Name
from services.registry.training.domain import TrainingRecord
from shared.web.bodies import Body


class TrainingBody(BaseModel):
    """One record."""

    model_config = ConfigDict(frozen=True)

    staff_id: str
    course: str
    completed_on: date
    valid_until: date
    """The last day on which it counts."""
    recorded_by: str
    recorded_at: datetime

    @classmethod
    def of(cls, record: TrainingRecord, months: int) -> Self:
        """Return what a client sees of a record, where training counts for so many months."""
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
    """Who completed what, and when."""

    staff_id: Name
    course: Name
    completed_on: Day


class RecordedBody(BaseModel):
    """Whether that was new."""

    model_config = ConfigDict(frozen=True)

    recorded: bool
