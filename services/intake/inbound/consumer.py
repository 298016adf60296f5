"""The consumer of events that other systems send to the log. It is separate, so that it and intake's own do not wait.

The types of these events belong to other systems: each is read as a `ReceivedEvent`.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.inbound.cloudevents import read_data
from services.intake.inbound.domain import InboundEvent, time_or_none
from services.intake.inbound.handlers import count_events, take_event
from services.intake.inbound.sources import Sources
from services.intake.reports.domain import ReceiptCodes
from services.intake.reports.handlers import submit_report
from shared.events import topics
from shared.events.codec import BYTE_ORDER_MARK, InvalidAttribute, InvalidJson, Message
from shared.events.envelope import Envelope, Event
from shared.ids import Ids
from shared.messaging.batch import DeadLetterLimit
from shared.messaging.consumer import ConsumerLimits
from shared.messaging.log import ReceivedRecord
from shared.messaging.outbox import Outbox
from shared.messaging.reader import Reader, Tombstone


class ReceivedEvent(Event):
    """An event that some system sent to `intake.inbound.v1`."""

    TYPE: ClassVar[str] = "inbound"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.INBOUND.name,)

    type: str
    time: datetime | None
    data: object


class InboundReader(Reader):
    """Reads any type; an event without an id is refused: whether it came before could not be told."""

    def __init__(self) -> None:
        super().__init__([topics.INBOUND], [], tombstones=False)

    def _event(self, message: Message, received: ReceivedRecord) -> Envelope[Event] | Tombstone | None:
        if message.id is None:
            raise InvalidAttribute
        data = read_data(_json(message.data), message.datacontenttype)
        received_event = ReceivedEvent(type=message.type, time=time_or_none(message.time), data=data)
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
        return orjson.loads(data.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        pass
    raise InvalidJson


GROUP = "signpost-intake-inbound"
TOPICS = (topics.INBOUND,)
LIMITS = ConsumerLimits(batch=100, dead_letters=DeadLetterLimit(share=1))
"""It never stops itself: a wrong event of one system is dead-lettered, and must not stop the right ones of others."""


class InboundHandler:
    """Turns events into reports. An event that cannot be read or mapped fails alone and becomes a dead letter."""

    def __init__(self, sources: Sources, *, ids: Ids, outbox: Outbox, receipts: ReceiptCodes) -> None:
        self._sources = sources
        self._ids = ids
        self._outbox = outbox
        self._receipts = receipts

    async def __call__(
        self, session: AsyncSession, envelopes: Sequence[Envelope[ReceivedEvent]], now: datetime
    ) -> None:
        """Take `envelopes` in the batch's transaction; the batch halves itself where one of them fails."""
        submit = partial(submit_report, session, now=now, ids=self._ids, outbox=self._outbox, receipts=self._receipts)
        take = partial(take_event, session, now=now, sources=self._sources, client=None, submit=submit)
        events = [inbound_event(envelope) for envelope in envelopes]
        results = [await take(event) for event in events]
        count_events(self._sources, zip(events, results, strict=True))
