"""A mail server that accepts everything and notes when: the smallest possible recipient of alerts."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sink:
    """What came, by address."""

    port: int = 0
    accepted_at: dict[str, float] = field(default_factory=dict)
    """Recipient → when the first mail to them was accepted, by `time.perf_counter`."""
    mails: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for(self, recipients: set[str], seconds: float) -> set[str]:
        """Wait until each of `recipients` has a mail, at most `seconds`; return those who have none."""
        try:
            async with asyncio.timeout(seconds):
                while recipients - self.accepted_at.keys():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        return recipients - self.accepted_at.keys()

    def take(self, recipients: list[str]) -> None:
        """Note a mail."""
        now = time.perf_counter()
        for recipient in recipients:
            self.accepted_at.setdefault(recipient, now)
            self.mails[recipient] += 1
        self._changed.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one dialogue."""
        recipients: list[str] = []
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipients.append(line.split(b"<", 1)[1].split(b">", 1)[0].decode().lower())
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.take(recipients)
                recipients = []
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 yes\r\n")
            await writer.drain()
            if verb == b"QUIT":
                break
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Sink]:
    """Run a sink on a free port."""
    sink = Sink()
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    async with server:
        sink.port = server.sockets[0].getsockname()[1]
        yield sink
