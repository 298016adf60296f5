"""Sends email by SMTP (RFC 5321), with a few connections kept open between messages."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from pathlib import Path

import aiosmtplib
import structlog

from services.notifier.delivery.domain import Message, SendResult, SendResultKind
from shared.clock import Clock

_log = structlog.get_logger()
_IDLE_SECONDS = 15.0
_REFUSED_FOR_GOOD = 500
REPEAT_HEADER = "X-Signpost-Possible-Repeat"


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server, and how to connect to it."""

    host: str
    port: int
    sender: str
    starttls: bool = False
    ca_file: Path | None = None
    """The authority to trust instead of the system's."""
    username: str | None = None
    password: str | None = None
    timeout: timedelta = timedelta(seconds=20)
    """For the whole SMTP dialogue."""


class SmtpChannel:
    """Hands emails to one mail server, several at once."""

    name = "email"

    def __init__(self, server: MailServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []

    async def send(self, message: Message) -> SendResult:
        dialogue = _Dialogue()
        try:
            async with asyncio.timeout(self._server.timeout.total_seconds()), self._connection(dialogue) as client:
                await self._hand_over(client, message, dialogue)
        except Exception as error:  # noqa: BLE001 -- the port promises a result whatever goes wrong
            result = _result_of(error, dialogue)
            _log.warning("mail_not_accepted", kind=result.kind.value, code=result.code, error=type(error).__name__)
            return result
        return SendResult(SendResultKind.ACCEPTED, dialogue.code)

    async def close(self) -> None:
        while self._idle:
            _, client = self._idle.pop()
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit(timeout=1)
            client.close()

    async def _hand_over(self, client: aiosmtplib.SMTP, message: Message, dialogue: "_Dialogue") -> None:
        dialogue.step = "sender"
        await client.mail(parseaddr(self._server.sender)[1])
        dialogue.step = "recipient"
        await client.rcpt(message.recipient)
        dialogue.step = "data"
        response = await client.data(self._render(message))
        dialogue.code = response.code

    def _render(self, message: Message) -> bytes:
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = self._server.sender
        mail["To"] = message.recipient
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = message.message_id
        mail["Auto-Submitted"] = "auto-generated"
        if message.in_reply_to:
            mail["In-Reply-To"] = message.in_reply_to
        if message.possible_repeat:
            mail[REPEAT_HEADER] = "yes"
        mail.set_content(message.text, cte="quoted-printable")
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        return mail.as_bytes()

    @asynccontextmanager
    async def _connection(self, dialogue: "_Dialogue") -> AsyncIterator[aiosmtplib.SMTP]:
        """Lend a connection: a recent one that still answers, else a new one. It is kept only if all went well."""
        client = await self._reused() or await self._opened(dialogue)
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._idle.append((time.monotonic(), client))

    async def _reused(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            since, client = self._idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS:
                with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                    await client.rset(timeout=2)
                    return client
            client.close()
        return None

    async def _opened(self, dialogue: "_Dialogue") -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout.total_seconds(),
            start_tls=server.starttls,
            cert_bundle=str(server.ca_file) if server.ca_file else None,
        )
        await client.connect()
        if server.username and server.password is not None:
            dialogue.step = "sign-in"
            await client.login(server.username, server.password)
        return client


@dataclass
class _Dialogue:
    """How far the dialogue got: the same answer means different things at different steps."""

    step: str = "connect"
    code: int | None = None


def _result_of(error: Exception, dialogue: _Dialogue) -> SendResult:
    code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None
    # Without an answer to the end of DATA, the server may or may not have taken the message.
    unsure = dialogue.step == "data" and code is None
    return SendResult(_kind_of(error, code, dialogue.step), code, unsure)


def _kind_of(error: Exception, code: int | None, step: str) -> SendResultKind:
    if isinstance(error, OSError):  # connection refused, lost or timed out; aiosmtplib's own errors are included
        return SendResultKind.TEMPORARY
    if code is None:
        return SendResultKind.TECHNICAL
    if code < _REFUSED_FOR_GOOD:
        return SendResultKind.TEMPORARY
    return SendResultKind.PERMANENT if step in {"recipient", "data"} else SendResultKind.TECHNICAL
