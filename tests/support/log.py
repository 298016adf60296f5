"""The event log for tests, and a way to run relays and consumers until nothing is left to do."""

from collections.abc import Sequence

from shared.messaging.consumer import BatchConsumer
from shared.messaging.relay import Relay


async def deliver(relays: Sequence[Relay], consumers: Sequence[BatchConsumer]) -> None:
    """Publish and consume, round by round, until a whole round moved nothing."""
    while True:
        published = sum([await relay.drain() for relay in relays])
        consumed = sum([await consumer.drain() for consumer in consumers])
        if not published and not consumed:
            return
