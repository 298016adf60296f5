"""Events, and the CloudEvents 1.0 attributes that travel with them; see `codec` for their bytes."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """What happened, named `subject.action.vN`. Unknown fields are ignored on reading, so that readers may be older.

    A subclass declares its `TYPE` and the `TOPIC` it travels on. Fields are only added, and are then optional; any
    other change is a new version.
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
    """`/signpost/<service>`, or the name that another system gives itself."""
    subject: str
    """The aggregate's id."""
    sequence: int | None
    """Counted per aggregate from 1; None from producers that do not count."""
    time: datetime
    data: E
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as a handler passes it to the outbox, which gives it its id and sequence."""

    subject: UUID
    key: UUID
    """What the log partitions by: events of one key keep their order."""
    data: Event

    @classmethod
    def of(cls, subject: UUID, data: Event, *, key: UUID | None = None) -> Self:
        return cls(subject=subject, key=key or subject, data=data)
