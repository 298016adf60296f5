"""Protection against requests that another site makes through a person's browser (decision 0040).

A browser says where a request comes from in `Sec-Fetch-Site` (Fetch Metadata) or `Origin` (RFC 6454), and no page can
forge either. That check needs no body. A client that sends neither must prove with a token that it has read one of our
pages: the token is in every form and matches a cookie.

An API call that the session cookie does not authenticate is let through: one without that cookie, and one with a
bearer token, in which case `shared.auth.guard` ignores the cookie. A page of another site cannot set that header
without permission (CORS).
"""

import hmac
import secrets
from enum import Enum, auto
from hashlib import sha256
from urllib.parse import unquote_to_bytes, urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.guard import SESSION_COOKIE
from shared.web.forms import CSRF_FIELD, LONGEST_VALUE, MOST_FIELDS, refuse_many_fields
from shared.web.problems import Problem

COOKIE = "csrftoken"
HEADER = "x-csrftoken"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_EXPECTED = "signpost.expected_form_token"


class Sender(Enum):
    """Where a request comes from, according to the browser."""

    OURS = auto()
    """One of our pages, or the person directly, by the address bar or a bookmark."""
    ANOTHER_SITE = auto()
    NOT_SAID = auto()
    """An old browser or a script; also a page that hides its origin (`Origin: null`)."""


def sender_of(headers: Headers, public_origin: tuple[str, str]) -> Sender:
    """Return where a request comes from.

    `Origin` must name the request's own host, and a page as secure as `public_origin` (scheme, host). `public_origin`
    itself is accepted too, for proxies that replace `Host`.
    """
    if site := headers.get("sec-fetch-site"):
        return Sender.OURS if site in {"same-origin", "none"} else Sender.ANOTHER_SITE
    origin = headers.get("origin", "null")
    if origin == "null":
        return Sender.NOT_SAID
    scheme, host = _origin(origin)
    as_secure = scheme == "https" or public_origin[0] != "https"
    ours = (as_secure and host == headers.get("host", "").lower()) or (scheme, host) == public_origin
    return Sender.OURS if host and ours else Sender.ANOTHER_SITE


def forged() -> Problem:
    """Return the refusal of a request that may come from another site."""
    return Problem(
        403,
        "form-not-trusted",
        "This did not come from a page of Signpost",
        "Nothing was changed. Another website may have sent it. If you filled in a form here, go back, open the page "
        "again and send it once more. Your browser must allow cookies.",
    )


class PageTooOld(Exception):
    """A form has a token that we signed, but the browser's cookie has gone or changed since its page was shown.

    That may also be a form of another site. So nothing is done with it until the person has read it and sent it again.
    """


class CrossSiteProtection:
    """Middleware: refuses requests from other sites, and gives pages a token for clients that name no sender."""

    def __init__(self, app: ASGIApp, *, key: bytes, public_url: str) -> None:
        self._app = app
        self._key = key
        self._public_origin = _origin(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cookies = Request(scope).cookies
        token = _Token(self._key, cookies.get(COOKIE))
        inner = {**scope, "csrftoken": token.for_a_page}
        by_session = SESSION_COOKIE in cookies and not _has_bearer_token(Headers(scope=scope))
        if scope["method"] not in _SAFE and (by_session or "/api/" not in scope["path"]):
            self._protect(inner, token)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and token.is_new:
                secure = "; Secure" if self._public_origin[0] == "https" else ""
                cookie = f"{COOKIE}={token.text}; Path=/; SameSite=Lax{secure}; HttpOnly"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(inner, receive, sending)

    def _protect(self, scope: Scope, token: "_Token") -> None:
        headers = Headers(scope=scope)
        sender = sender_of(headers, self._public_origin)
        if sender is Sender.OURS:
            return
        if sender is Sender.ANOTHER_SITE:
            raise forged()
        if sent := headers.get(HEADER):
            if not token.matches(sent):
                raise forged()
        elif _content_type(headers) in _FORMS:
            scope[_EXPECTED] = token  # the route's dependency compares it with the form's
        else:
            raise forged()


async def has_form_token(request: Request) -> None:
    """Check the token of a form, if the client did not say where the request comes from.

    A dependency of every route: the form's body is read here at the earliest, and only if the token is needed.

    Raises:
        Problem: 403 for a form without the token.
        PageTooOld: the form has another token of ours.
    """
    expected = request.scope.get(_EXPECTED)
    if not isinstance(expected, _Token) or expected.matches(sent := await _token_in_form(request)):
        return
    raise PageTooOld if expected.is_signed(sent) else forged()


class _Token:
    """The token of one browser: random, signed so that no other host can make one, and stored in a cookie."""

    def __init__(self, key: bytes, cookie: str | None) -> None:
        self._key = key
        self._known = cookie if cookie and self.is_signed(cookie) else None
        nonce = secrets.token_urlsafe(24)
        self.text = self._known or f"{nonce}.{self._signature(nonce)}"
        self.is_new = False

    def for_a_page(self) -> str:
        """Return the token for the forms of a page; the answer sets the cookie if there is none."""
        self.is_new = self._known is None
        return self.text

    def matches(self, sent: str) -> bool:
        """Return whether `sent` is the token of the browser's cookie."""
        return self._known is not None and hmac.compare_digest(self._known.encode(), sent.encode())

    def is_signed(self, cookie: str) -> bool:
        """Return whether a token is ours, whichever browser it was for."""
        nonce, _, signature = cookie.partition(".")
        return hmac.compare_digest(self._signature(nonce).encode(), signature.encode())

    def _signature(self, nonce: str) -> str:
        return hmac.new(self._key, nonce.encode(), sha256).hexdigest()


async def _token_in_form(request: Request) -> str:
    if _content_type(request.headers) == "multipart/form-data":
        form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=LONGEST_VALUE * 4)
        return str(form.get(CSRF_FIELD, ""))
    body = await request.body()
    refuse_many_fields(body)
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == CSRF_FIELD.encode():
            return unquote_to_bytes(value).decode("ascii", "replace")
    return ""


def _has_bearer_token(headers: Headers) -> bool:
    return headers.get("authorization", "").lower().startswith("bearer ")


def _content_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _origin(url: str) -> tuple[str, str]:
    """Return scheme and host, with any port; two empty strings if it is not a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()
