"""Reads a record, and decides what a group does with it: handle it, skip it, or dead-letter it with a reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.events import codec
from shared.events.codec import Message, Unreadable
from shared.events.envelope import Envelope, Event
from shared.events.topics import Topic
from shared.messaging.log import ReceivedRecord


class UnexpectedTopic(Unreadable):
    """An event of a type that we handle, on the wrong topic."""


class Tombstone(NamedTuple):
    """The state of a key was deleted."""

    topic: str
    key: bytes


class Aggregate(NamedTuple):
    """The subject of events; their sequence counts per aggregate."""

    source: str
    topic: str
    subject: str


@dataclass(slots=True, eq=False)
class Item:
    """A record on its way through a batch."""

    received: ReceivedRecord
    message: Message | None = None
    event: Envelope[Event] | Tombstone | None = None
    """None: no handler wants it."""
    error: str | None = None
    """The class of the error that makes the record a dead letter."""
    forced: bool = False
    """Apply it even if its predecessor is missing, because an operator decided so."""

    @property
    def kind(self) -> type[Event] | type[Tombstone] | None:
        """The type of its handler; None if there is none."""
        return type(self.event.data) if isinstance(self.event, Envelope) else type(self.event) if self.event else None

    @property
    def event_id(self) -> str:
        """The event's id or, for a record without one, its position in the log."""
        return (self.message and self.message.id) or "/".join(str(part) for part in self.received.position)

    @property
    def source(self) -> str:
        return self.message.source if self.message else ""

    @property
    def identity(self) -> tuple[str, str]:
        """Its key in the inbox."""
        return self.source, self.event_id

    @property
    def aggregate(self) -> Aggregate:
        subject = self.message.subject if self.message else ""
        return Aggregate(self.source, self.received.position.topic, subject)

    @property
    def sequence(self) -> int | None:
        return self.message.sequence if self.message else None

    @property
    def key(self) -> bytes | str:
        """The key within which order is kept: the record's."""
        return self.received.record.key or self.event_id


class Reader:
    """Reads records for one group.

    Args:
        topics: what the group subscribes to; only their declared writers are trusted.
        kinds: the event types that have a handler.
        tombstones: whether a handler takes tombstones.
    """

    def __init__(self, topics: Sequence[Topic], kinds: Iterable[type[Event]], *, tombstones: bool) -> None:
        self._writers = {topic.name: topic.writers for topic in topics}
        self._kinds = {kind.TYPE: kind for kind in kinds}
        self.known = frozenset(self._kinds)
        self._tombstones = tombstones

    def read(self, received: ReceivedRecord) -> Item:
        """Read one record. Never raises: the item names the error."""
        item = Item(received)
        try:
            item.message = codec.parse(received.record)
            self._check_source(item.message.source, received.record.topic)
            item.event = self._event(item.message, received)
        except Unreadable as error:
            item.error = type(error).__name__
        return item

    def _check_source(self, source: str, topic: str) -> None:
        writers = self._writers.get(topic, ())
        ours = source.startswith(codec.source_of(""))
        if ours and source.removeprefix(codec.source_of("")) not in writers:
            raise codec.UntrustedSource
        if not ours and "external" not in writers:
            raise codec.UntrustedSource

    def _event(self, message: Message, received: ReceivedRecord) -> Envelope[Event] | Tombstone | None:
        topic = received.record.topic
        if message.data is None:
            return Tombstone(topic, received.record.key or b"") if self._tombstones else None
        kind = self._kinds.get(message.type)
        if kind is None:
            if codec.is_other_version(message.type, self.known):
                raise codec.UnknownVersion
            return None
        if topic not in kind.TOPICS:
            raise UnexpectedTopic
        return Envelope(
            id=message.id or "/".join(str(part) for part in received.position),
            source=message.source,
            subject=message.subject,
            sequence=message.sequence,
            time=message.time or received.appended_at,
            data=codec.read(message.data, kind),
            traceparent=message.traceparent,
        )
