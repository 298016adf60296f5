"""An SMTP server that keeps every email as a file, and the pages that show them: the mailboxes in embedded mode."""

import asyncio
import email
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.policy import default
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

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Store one email."""
        del server, session
        content = envelope.original_content or b""
        try:
            await asyncio.to_thread(self._write, content)
        except OSError:
            return "452 Insufficient system storage"  # RFC 5321, 4.2.3: try again later
        return "250 Message kept"

    def newest(self, limit: int = 200) -> list[CaughtMail]:
        """Return the newest emails first."""
        names = sorted((path.name for path in self._folder.glob("*.eml")), reverse=True)[:limit]
        return [_read(self._folder / name) for name in names]

    def get(self, mail_id: str) -> CaughtMail | None:
        """Return one email, or None."""
        names = {path.stem: path for path in self._folder.glob("*.eml")}
        return _read(names[mail_id]) if mail_id in names else None

    def _write(self, content: bytes) -> None:
        path = self._folder / f"{self._ids.uuid()}.eml"
        temporary = path.with_suffix(".new")
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.rename(path)


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
    router = APIRouter(prefix="/mail", dependencies=[Depends(anyone)])

    @router.get("")
    def every_mail(request: Request) -> HTMLResponse:
        return render(request, "mail/list.html", mails=mails.newest())

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
