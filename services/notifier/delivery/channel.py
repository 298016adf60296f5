"""The port that alerts leave by."""

from typing import Protocol

from services.notifier.delivery.domain import Message, Outcome


class Channel(Protocol):
    """A way to reach somebody."""

    name: str

    async def send(self, message: Message) -> Outcome:
        """Try once, within a bounded time. Never raises: whatever goes wrong is an outcome."""
        ...

    async def close(self) -> None: ...
