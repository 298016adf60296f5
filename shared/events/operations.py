"""The events about dead letters, without their content, and about steps that were not taken in time."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.events import topics
from shared.events.envelope import Event


class _DeadLetterEvent(Event):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.DEAD_LETTERS.name,)

    dead_letter_id: UUID
    group: str
    topic: str
    partition: int
    offset: int
    error_class: str
    report_id: UUID | None = None
    at: AwareDatetime


class DeadLetterRecorded(_DeadLetterEvent):
    """A record could not be handled and became a dead letter."""

    TYPE: ClassVar[str] = "dead_letter.recorded.v1"


class DeadLetterSettled(_DeadLetterEvent):
    """A dead letter was replayed or discarded."""

    TYPE: ClassVar[str] = "dead_letter.settled.v1"
    action: str


class OverdueStep(BaseModel):
    """One kind of step that time demands: how many were not taken in time, and since when the oldest is due."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: str
    count: int
    """Counted up to 1,000."""
    oldest_due_at: AwareDatetime | None = None


class OverdueStepsCounted(Event):
    """What the auditor of a service found; each replaces the one before."""

    TYPE: ClassVar[str] = "overdue_steps.counted.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.OVERDUE_STEPS.name,)

    service: str
    at: AwareDatetime
    steps: tuple[OverdueStep, ...]


OPERATIONS_EVENTS: tuple[type[Event], ...] = (DeadLetterRecorded, DeadLetterSettled, OverdueStepsCounted)
