"""A real SMTP server that behaves as a test requires."""

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServerForTests:
    """Accepts every message unless `replies` says otherwise. Replies are used one by one; the last one stays."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.replies_to_recipient: list[str] = []
        self.replies_to_data: list[str] = []
        self.drops_before_answering = 0
        """The number of dialogues that are cut after the whole message has arrived and was kept."""
        self.holds: asyncio.Event | None = None
        """No message is answered before this is set."""
        self.arrived = asyncio.Event()
        self.port = 0

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        reply = self.replies_to_recipient.pop(0) if self.replies_to_recipient else "250 OK"
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        reply = self.replies_to_data.pop(0) if self.replies_to_data else "250 Kept"
        if reply.startswith("250"):
            self._keep(envelope)
        self.arrived.set()
        if self.holds:
            await self.holds.wait()
        if self.drops_before_answering:
            self.drops_before_answering -= 1
            cast("asyncio.Transport", server.transport).abort()
        return reply

    def of(self, message_id: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["Message-ID"] == message_id]

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        self.mails.append(email.message_from_bytes(content, policy=default))
        self.recipients.extend(envelope.rcpt_tos)


@asynccontextmanager
async def running_mail_server() -> AsyncIterator[MailServerForTests]:
    """Listen on a port that the operating system chooses."""
    handler, loop = MailServerForTests(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="mail.test", loop=loop), "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(preferencelist=("plain",))
    assert body
    return str(body.get_content())
