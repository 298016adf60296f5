"""CloudEvents 1.0 envelopes: what travels with an event, and how one becomes bytes and comes back."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """What happened, named `subject.action.vN`. Unknown fields are ignored on reading, so that readers may be older.

    A subclass declares its `TYPE` and the `TOPICS` it may travel on, and names no field twice in its life: fields are
    only added, optional; anything else is a new version.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]


E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E]):
    """An event as a consumer receives it."""

    id: str
    source: str
    """`/signpost/<service>`, or whatever another system calls itself."""
    subject: str
    """The aggregate's id."""
    sequence: int | None
    """Per aggregate, from 1; None from producers that do not count."""
    time: datetime
    data: E
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as a handler hands it to the outbox; the outbox gives it its id and sequence."""

    subject: UUID
    key: UUID
    """What the log partitions by: events of one key keep their order."""
    data: Event

    @classmethod
    def of(cls, subject: UUID, data: Event, *, key: UUID | None = None) -> Self:
        return cls(subject=subject, key=key or subject, data=data)
