"""An SMTP server that keeps every email as a file, and the pages that show them: the mailboxes in embedded mode."""

import asyncio
import email
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import default
from email.utils import parseaddr
from hashlib import sha256
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from shared.auth.guard import anyone
from shared.ids import Ids
from shared.runtime import WebParts
from shared.settings import ServiceSettings
from shared.web.app import create_app, web_fields
from shared.web.pages import render
from shared.web.problems import standard_problem

PAGE = 50
"""Emails on one page."""


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """An email, as the page shows it."""

    id: str
    received_at: datetime
    to: str
    subject: str
    text: str
    message_id: str
    possible_repeat: bool


class MailFolder:
    """Emails as files, fully written and synced before the sender is told that they were accepted."""

    def __init__(self, folder: Path, ids: Ids) -> None:
        self._folder = folder
        self._ids = ids
        self._recipients: dict[str, str] = {}

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Store one email."""
        del server, session
        content = envelope.original_content or b""
        try:
            await asyncio.to_thread(self._write, content)
        except OSError:
            return "452 Insufficient system storage"  # RFC 5321, 4.2.3: try again later
        return "250 Message kept"

    def newest(self, limit: int = 200, *, mailbox: str = "", before: str = "") -> list[CaughtMail]:
        """Return the newest emails first: those of a mailbox, or all; those before an id, or all."""
        names = sorted(self._names(), reverse=True)
        if before:
            names = [name for name in names if name < before]
        if mailbox:
            names = [name for name in names if mailbox_of(self._recipient(name)) == mailbox]
        return [_read(self._folder / f"{name}.eml") for name in names[:limit]]

    def recipients(self) -> list[str]:
        """Return everyone who has an email, in alphabetical order."""
        return sorted({recipient for name in self._names() if (recipient := self._recipient(name))})

    def get(self, mail_id: str) -> CaughtMail | None:
        """Return one email, or None."""
        return _read(self._folder / f"{mail_id}.eml") if mail_id in self._names() else None

    def _names(self) -> set[str]:
        return {path.stem for path in self._folder.glob("*.eml")}

    def _recipient(self, name: str) -> str:
        """Return the address of an email's recipient. An email never changes, so each file is read once."""
        if name not in self._recipients:
            with (self._folder / f"{name}.eml").open("rb") as handle:
                headers = BytesHeaderParser(policy=default).parse(handle)
            self._recipients[name] = parseaddr(str(headers["To"] or ""))[1]
        return self._recipients[name]

    def _write(self, content: bytes) -> None:
        path = self._folder / f"{self._ids.uuid()}.eml"
        temporary = path.with_suffix(".new")
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.rename(path)


def mailbox_of(recipient: str) -> str:
    """Return what stands for a recipient in an address, where a person's email address does not belong."""
    return sha256(recipient.encode()).hexdigest()[:12]


@asynccontextmanager
async def open_mail_catcher(folder: MailFolder) -> AsyncIterator[int]:
    """Accept email on a loopback port that the machine chooses, and yield the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(folder, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    try:
        yield cast("int", server.sockets[0].getsockname()[1])
    finally:
        server.close()


def _read(path: Path) -> CaughtMail:
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    body = message.get_body(preferencelist=("plain",))
    return CaughtMail(
        id=path.stem,
        received_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=body.get_content() if body else "",
        message_id=str(message["Message-ID"]),
        possible_repeat=message["X-Signpost-Possible-Repeat"] is not None,
    )


class MailBody(BaseModel):
    """An email in JSON, for scripts."""

    id: str
    to: str
    subject: str
    text: str
    message_id: str
    possible_repeat: bool


def create_mail_pages(settings: ServiceSettings, mails: MailFolder) -> FastAPI:
    """Return the application that shows `mails` to the person at this machine."""
    router = APIRouter(prefix="/mail", include_in_schema=False, dependencies=[Depends(anyone)])

    @router.get("")
    def every_mail(request: Request, mailbox: str = "", before: str = "") -> HTMLResponse:
        shown = mails.newest(PAGE + 1, mailbox=mailbox, before=before)
        return render(
            request,
            "mail/list.html",
            mails=shown[:PAGE],
            before=shown[PAGE - 1].id if len(shown) > PAGE else None,
            first=not before,
            mailbox=mailbox,
            mailboxes=[(mailbox_of(recipient), recipient) for recipient in mails.recipients()],
        )

    @router.get("/api/v1/messages")
    def messages() -> list[MailBody]:
        return [MailBody.model_validate(mail, from_attributes=True) for mail in mails.newest()]

    @router.get("/{mail_id}")
    def one_mail(request: Request, mail_id: str) -> HTMLResponse:
        mail = mails.get(mail_id)
        if mail is None:
            raise standard_problem(404)
        return render(request, "mail/one.html", mail=mail)

    parts = WebParts(**web_fields("mail catcher", settings, [Path(__file__).parent / "templates"]))
    return create_app(parts, prefix="/mail", routers=[router], refusals={}, readiness=list)
