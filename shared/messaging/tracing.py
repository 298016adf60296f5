"""Carries a trace from an event's headers into the handler, and so into the events that the handler appends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import context
from opentelemetry.propagate import extract

from shared.events.envelope import Envelope, Event
from shared.messaging.reading import Tombstone


@contextmanager
def continued(events: Sequence[Envelope[Event] | Tombstone | None]) -> Iterator[None]:
    """Continue the trace of `events` where they are all of one trace; a mixed call belongs to none."""
    parents = {event.traceparent if isinstance(event, Envelope) else None for event in events}
    parent = parents.pop() if len(parents) == 1 else None
    token = context.attach(extract({"traceparent": parent})) if parent else None
    try:
        yield
    finally:
        if token is not None:
            context.detach(token)
