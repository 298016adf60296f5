"""Somebody whose session is over comes back to where they were, with what they typed."""

from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from shared.auth.guard import RENEWAL_PATH
from shared.web.forms import read_form
from shared.web.pages import render


def relative_address(text: str | None) -> str:
    """Return `text` where it is a path of ours, `/` otherwise: a sign-in never sends people to another site."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    return text if text.isprintable() and text.isascii() else "/"


def sign_in_address(request: Request) -> str:
    """Return where to sign in and come back from."""
    return f"/sign-in?next={_this_page(request)}"


def renewal_address(request: Request) -> str:
    """Return where a session is renewed and one comes back from."""
    return f"{RENEWAL_PATH}?next={_this_page(request)}"


def _this_page(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path + query, safe="/")


async def keep_what_was_typed(request: Request, *, was_signed_in: bool) -> Response:
    """Return a page that holds the posted answers while the person signs in, and sends them again after."""
    return render(
        request,
        "sign_in_again.html",
        401,
        answers=await read_form(request),
        action=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        was_signed_in=was_signed_in,
    )
