"""`/privacy`, `/cookies` and `/accessibility`, the notices that each page's footer links to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.intake.forms.domain import LIFETIME, SAVED_LIFETIME, SENT_LIFETIME
from shared.auth.ended_sessions import REMEMBERED_FOR
from shared.auth.guard import anyone
from shared.runtime import WebParts, parts_of
from shared.web.pages import render

router = APIRouter(include_in_schema=False, dependencies=[Depends(anyone)])


@dataclass(frozen=True, kw_only=True)
class NoticeParts(WebParts):
    """What the notices need besides the parts of every web application."""

    privacy_url: str | None
    """Where the organisation's own privacy notice is."""


@cache
def what_is_kept() -> Mapping[str, Sequence[str]]:
    """Return what is kept about people: record class → data. `make docs` writes it from the marks in the mappings."""
    text = (resources.files("services.intake.notices") / "kept.json").read_text("utf-8")
    found: Mapping[str, Sequence[str]] = json.loads(text)
    return found


@router.get("/privacy")
async def privacy(request: Request) -> Response:
    """Say what is kept about people, for how long, who reads it, and what they may ask for."""
    privacy_url = parts_of(request, NoticeParts).privacy_url
    return render(
        request,
        "notices/privacy.html",
        kept=what_is_kept(),
        privacy_url=privacy_url,
        drafts=LIFETIME,
        saved=SAVED_LIFETIME,
        signed_out=REMEMBERED_FOR,
    )


@router.get("/cookies")
async def cookies(request: Request) -> Response:
    """Name each cookie, what it is for, and when it ends."""
    return render(request, "notices/cookies.html", drafts=LIFETIME, saved=SAVED_LIFETIME, sent=SENT_LIFETIME)


@router.get("/accessibility")
async def accessibility(request: Request) -> Response:
    """Say what works for whom, how that is tested, and whom to tell what does not."""
    return render(request, "notices/accessibility.html")
