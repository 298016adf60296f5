"""An email server that fails on request, and keeps the messages that it has accepted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.embedded.mail_catcher import MailFolder
from shared.ids import RandomIds


class Manners(StrEnum):
    """How the server treats a client."""

    GOOD = "good"
    REFUSING = "refusing"
    """Answers each recipient with a temporary refusal (RFC 5321: 451)."""
    STALLING = "stalling"
    """Reads the message and never answers."""
    DROPPING = "dropping"
    """Hangs up in the middle of the message."""
    KEEPING_AND_DROPPING = "keeping and dropping"
    """Keeps the message and hangs up before it says so: the client cannot know that it was taken."""


class BadMailServer:
    """Accepts email on its own port, with the current `manners`."""

    def __init__(self, folder: Path) -> None:
        self.manners = Manners.GOOD
        self.met = asyncio.Event()
        """Set when a client has met bad manners."""
        self.port = 0
        self._folder = MailFolder(folder, RandomIds())

    def behave(self, manners: Manners) -> None:
        """Treat every client like this from now on."""
        self.manners = manners
        self.met.clear()

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self.manners is Manners.REFUSING:
            self.met.set()
            return "451 Not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        match self.manners:
            case Manners.STALLING:
                self.met.set()
                await asyncio.Event().wait()
            case Manners.DROPPING:
                self._hang_up(server)
            case Manners.KEEPING_AND_DROPPING:
                await self._folder.handle_DATA(server, session, envelope)
                self._hang_up(server)
            case _:
                return await self._folder.handle_DATA(server, session, envelope)
        return "421 Gone"

    def _hang_up(self, server: SMTP) -> None:
        self.met.set()
        cast("asyncio.WriteTransport", server.transport).abort()


@asynccontextmanager
async def bad_mail_server(folder: Path) -> AsyncIterator[BadMailServer]:
    """Run one that keeps its messages in the existing `folder`."""
    handler, loop = BadMailServer(folder), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    handler.port = cast("int", server.sockets[0].getsockname()[1])
    try:
        yield handler
    finally:
        server.close()
