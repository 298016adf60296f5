"""Cookies that no other host of our domain can set, wherever browsers allow it."""

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response

from shared.auth.guard import SESSION_COOKIE, Anyone, SignedIn
from shared.auth.permissions import Role
from shared.auth.tokens import Audience
from shared.web.cookies import Cookie
from shared.web.pages import render
from tests.support.web import WebForTests, browsing, person

PUBLIC = "https://signpost.example.org"
router = APIRouter(include_in_schema=False)


@router.get("/report/form")
def form(request: Request, _principal: Anyone) -> Response:
    return render(request, "send_again.html", answers={}, action="/report/form")


@router.get("/report/me")
def me(_principal: SignedIn) -> dict[str, str]:
    return {"signed": "in"}


@pytest.mark.parametrize(
    ("cookie", "secure", "name", "path"),
    [
        (Cookie("signpost_session"), True, "__Host-signpost_session", "/"),
        (Cookie("signpost_draft", "/report/abuse"), True, "__Host-signpost_draft-report-abuse", "/"),
        (Cookie("signpost_draft", "/report/misuse"), True, "__Host-signpost_draft-report-misuse", "/"),
        (Cookie("signpost_session"), False, "signpost_session", "/"),
        (Cookie("signpost_draft", "/report/abuse"), False, "signpost_draft", "/report/abuse"),
    ],
)
def test_a_cookie_has_the_prefix_that_browsers_check_where_there_is_tls(
    cookie: Cookie, secure: bool, name: str, path: str
) -> None:
    given, taken = Response(), Response()
    cookie.give(given, "value", secure=secure)
    cookie.take(taken, secure=secure)
    for response in (given, taken):
        parts = response.headers["set-cookie"].split("; ")
        assert parts[0].startswith(f"{name}=")
        assert {"HttpOnly", "SameSite=lax", f"Path={path}"} <= set(parts)
        assert ("Secure" in parts) is secure
        assert not any(part.lower().startswith("domain") for part in parts)


async def test_a_session_under_the_plain_name_is_one_of_an_earlier_version_or_none(web: WebForTests) -> None:
    """Another host of our domain can set the plain name: it must not sign a person in as somebody else."""
    who, now, issuer = person(Role.REPORTER), web.clock.now(), web.issuer
    planted = issuer.session(who, now)
    earlier = issuer._sign(who, Audience.SESSION, now, web.clock.now().replace(hour=23), now, {})
    app = web.app(router, settings=web.settings(public_url=PUBLIC))
    found = {}
    for what, name, value in (
        ("planted", SESSION_COOKIE, planted),
        ("earlier", SESSION_COOKIE, earlier),
        ("ours", f"__Host-{SESSION_COOKIE}", planted),
    ):
        async with browsing(app, cookies={name: value}, address=PUBLIC) as client:
            found[what] = (await client.get("/report/me")).status_code
    assert found == {"planted": 303, "earlier": 200, "ours": 200}


async def test_the_form_token_has_the_prefix_too(web: WebForTests) -> None:
    async with browsing(web.app(router, settings=web.settings(public_url=PUBLIC)), address=PUBLIC) as client:
        page = await client.get("/report/form")
    assert page.headers["set-cookie"].startswith("__Host-csrftoken=")
