"""The events about dead letters: records that a consumer could not handle, without their content."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

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


OPERATIONS_EVENTS: tuple[type[Event], ...] = (DeadLetterRecorded, DeadLetterSettled)
