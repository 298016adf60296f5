"""Protection against requests that another site makes in a person's browser (decision 0040).

A browser says itself where a request comes from, in `Sec-Fetch-Site` (Fetch Metadata) or `Origin` (RFC 6454), and no
page can forge either. No body is read for that. A client that says neither proves by a token that it has read a page of
ours: the token stands in every form and matches a cookie.

An API call that the session cookie cannot authenticate passes: one without that cookie, and one with a bearer token,
which `shared.auth.guard` takes alone. No page of another site can set that header without asking first (CORS).
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
from shared.web.forms import CSRF_FIELD, LONGEST_VALUE, MOST_FIELDS
from shared.web.problems import Problem

COOKIE = "csrftoken"
HEADER = "x-csrftoken"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_EXPECTED = "signpost.expected_form_token"


class Sender(Enum):
    """Where a browser says that a request comes from."""

    OURS = auto()
    """A page of ours, or the person alone, by the address bar or a bookmark."""
    ANOTHER_SITE = auto()
    NOT_SAID = auto()
    """An old browser, or a script; also a page that keeps its origin to itself (`Origin: null`)."""


def sender_of(headers: Headers, public_origin: tuple[str, str]) -> Sender:
    """Return where a request comes from.

    `Origin` has to name the host that was asked, which is the same host for a browser, and no less secure a page of it
    than `public_origin` (scheme, host); that one counts as well, for a proxy that replaces `Host`.
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
    """Return the refusal of a request that may be another site's."""
    return Problem(
        403,
        "form-not-trusted",
        "This form cannot be trusted any more",
        "Go back, reload the page and send the form again. Cookies have to be allowed.",
    )


class CrossSiteProtection:
    """Middleware: refuses what another site sends, and gives pages the token for clients that do not say who sends."""

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
            scope[_EXPECTED] = token  # the route's dependency reads it out of the form
        else:
            raise forged()


async def has_form_token(request: Request) -> None:
    """Let a form through that proves by its token that it is ours, where the client did not say who sends.

    A dependency of every route: the form's body is read here at the earliest, and only then.

    Raises:
        Problem: 403 for a form without the token.
    """
    expected = request.scope.get(_EXPECTED)
    if isinstance(expected, _Token) and not expected.matches(await _token_in_form(request)):
        raise forged()


class _Token:
    """The token of one browser: random, signed so that no other host can make one up, kept in a cookie."""

    def __init__(self, key: bytes, cookie: str | None) -> None:
        self._key = key
        self._known = cookie if cookie and self._is_signed(cookie) else None
        nonce = secrets.token_urlsafe(24)
        self.text = self._known or f"{nonce}.{self._signature(nonce)}"
        self.is_new = False

    def for_a_page(self) -> str:
        """Return the token for the forms of a page; the answer brings the cookie where there is none."""
        self.is_new = self._known is None
        return self.text

    def matches(self, sent: str) -> bool:
        """Return whether the browser that has the cookie sent its token."""
        return self._known is not None and hmac.compare_digest(self._known.encode(), sent.encode())

    def _is_signed(self, cookie: str) -> bool:
        nonce, _, signature = cookie.partition(".")
        return hmac.compare_digest(self._signature(nonce).encode(), signature.encode())

    def _signature(self, nonce: str) -> str:
        return hmac.new(self._key, nonce.encode(), sha256).hexdigest()


async def _token_in_form(request: Request) -> str:
    if _content_type(request.headers) == "multipart/form-data":
        form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=LONGEST_VALUE * 4)
        return str(form.get(CSRF_FIELD, ""))
    for pair in (await request.body()).split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == CSRF_FIELD.encode():
            return unquote_to_bytes(value).decode("ascii", "replace")
    return ""


def _has_bearer_token(headers: Headers) -> bool:
    return headers.get("authorization", "").lower().startswith("bearer ")


def _content_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _origin(url: str) -> tuple[str, str]:
    """Return scheme and host, with the port where one is named; two empty texts for what is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()
