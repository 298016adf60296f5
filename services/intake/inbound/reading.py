"""Events of other systems from the log. Their types are theirs: every one of them is read as a `ReceivedEvent`."""

from datetime import datetime
from typing import ClassVar

import orjson

from services.intake.inbound.domain import InboundEvent
from shared.events import topics
from shared.events.codec import InvalidAttribute, InvalidJson, Message
from shared.events.envelope import Envelope, Event
from shared.messaging.log import ReceivedRecord
from shared.messaging.reader import Reader, Tombstone


class ReceivedEvent(Event):
    """An event that some system sent to `intake.inbound.v1`."""

    TYPE: ClassVar[str] = "inbound"
    TOPIC: ClassVar[str] = topics.INBOUND.name

    type: str
    time: datetime | None
    data: object


class InboundReader(Reader):
    """Reads any type; an event without an id is refused, since nobody could tell whether it came before."""

    def __init__(self) -> None:
        super().__init__([topics.INBOUND], [], tombstones=False)

    def _event(self, message: Message, received: ReceivedRecord) -> Envelope[Event] | Tombstone | None:
        if message.id is None:
            raise InvalidAttribute
        received_event = ReceivedEvent(type=message.type, time=message.time, data=_json(message.data))
        return Envelope(
            id=message.id,
            source=message.source,
            subject=message.subject,
            sequence=None,
            time=message.time or received.appended_at,
            data=received_event,
            traceparent=message.traceparent,
        )


def inbound_event(envelope: Envelope[ReceivedEvent]) -> InboundEvent:
    """Return the event as HTTP would have brought it."""
    data = envelope.data
    return InboundEvent(envelope.id, envelope.source, data.type, envelope.subject or None, data.time, data.data)


def _json(data: bytes | None) -> object:
    if data is None:
        return None
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    raise InvalidJson
