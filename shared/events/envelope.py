"""Events, and their CloudEvents 1.0 attributes; `codec` turns them into bytes."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """What happened, named `subject.action.vN`. Readers ignore unknown fields, so that they may be older than writers.

    A subclass declares its `TYPE` and its `TOPICS`. New fields must be optional; any other change needs a new version.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")

    TYPE: ClassVar[str]
    TOPICS: ClassVar[tuple[str, ...]]
    """Where it may be published: one topic, or those of every kind of report."""


E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E]):
    """An event as a consumer receives it."""

    id: str
    source: str
    """`/signpost/<service>`, or another system's own name."""
    subject: str
    """The aggregate's id."""
    sequence: int | None
    """Counted from 1 per aggregate; None from producers that do not count."""
    time: datetime
    data: E
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that a handler passes to the outbox, which adds id and sequence."""

    subject: UUID
    key: UUID
    """The partition key: events with one key keep their order."""
    data: Event
    topic: str

    @classmethod
    def of(cls, subject: UUID, data: Event, *, key: UUID | None = None, topic: str | None = None) -> Self:
        """Return `data` for publication; `topic` is needed where its type has several."""
        [chosen] = [topic] if topic in data.TOPICS else data.TOPICS
        return cls(subject=subject, key=key or subject, data=data, topic=chosen)
