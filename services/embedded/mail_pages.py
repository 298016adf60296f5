"""The pages of the mail catcher: what would have gone to people's mailboxes."""

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from services.embedded.mail_catcher import MailFolder
from shared.auth.guard import anyone
from shared.settings import ServiceSettings
from shared.web.app import create_app
from shared.web.pages import render
from shared.web.problems import standard_problem


class MailBody(BaseModel):
    """A mail as scripts read it."""

    id: str
    to: str
    subject: str
    text: str
    message_id: str
    possible_repeat: bool


def create(settings: ServiceSettings, mails: MailFolder) -> FastAPI:
    """Return the application that shows `mails` to whoever sits at this machine."""
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

    return create_app(
        service="mail catcher",
        prefix="/mail",
        settings=settings,
        routers=[router],
        domain_problems={},
        templates=[Path(__file__).parent / "templates"],
        readiness=list,
    )
