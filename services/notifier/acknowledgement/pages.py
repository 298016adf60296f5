"""The page behind the link in an alert. It needs no sign-in: the holder of the link answers for its recipient.

GET changes nothing, because mail scanners open links.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from services.notifier.acknowledgement.handlers import AcknowledgementLinks, Acknowledgements
from shared.auth.guard import Anyone
from shared.events.vocabulary import Acknowledgement
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now, Transaction
from shared.web.forms import FormReader
from shared.web.pages import render

router = APIRouter(prefix="/alerts/acknowledge", include_in_schema=False)
CHOOSE_AN_ANSWER = "Choose one of the three answers"


@dataclass(frozen=True, kw_only=True)
class AcknowledgementParts(Parts):
    """What these routes need besides the parts of every service."""

    links: AcknowledgementLinks
    acknowledgements: Acknowledgements


async def _links(request: Request) -> AcknowledgementLinks:
    return parts_of(request, AcknowledgementParts).links


async def _acknowledgements(request: Request) -> Acknowledgements:
    return parts_of(request, AcknowledgementParts).acknowledgements


LinksDep = Annotated[AcknowledgementLinks, Depends(_links)]

AcknowledgementsDep = Annotated[Acknowledgements, Depends(_acknowledgements)]


@router.get("/{token}", response_class=HTMLResponse)
async def ask(
    request: Request, token: str, session: Transaction, links: LinksDep, now: Now, _principal: Anyone
) -> HTMLResponse:
    """Show what the alert is about, with a button for each answer."""
    alert = await links.open(session, token, now)
    if alert is None:
        return render(request, "acknowledgement/over.html", 404)
    return render(request, "acknowledgement/answered.html" if alert.answer else "acknowledgement/ask.html", alert=alert)


@router.post("/{token}", response_class=HTMLResponse)
async def answer(
    request: Request,
    token: str,
    session: Transaction,
    links: LinksDep,
    acknowledgements: AcknowledgementsDep,
    now: Now,
    _principal: Anyone,
) -> HTMLResponse:
    """Record the answer, once."""
    alert = await links.open(session, token, now)
    if alert is None:
        return render(request, "acknowledgement/over.html", 404)
    form = await FormReader.posted(request)
    given = form.choice("answer", Acknowledgement, CHOOSE_AN_ANSWER)
    if given is None:
        return render(request, "acknowledgement/ask.html", 422, alert=alert, errors=form.errors)
    if not await acknowledgements.answer(session, alert.alert_id, given, now):
        return render(request, "acknowledgement/answered.html", alert=alert)
    return render(request, "acknowledgement/thanks.html", alert=alert, given=given)
