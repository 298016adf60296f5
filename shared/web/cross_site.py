"""Protection against requests that another site makes through a person's browser (decision 0040).

A browser says where a request comes from in `Sec-Fetch-Site` (Fetch Metadata) or `Origin` (RFC 6454), and no page can
forge either. That check needs no body. A client that sends neither must prove with a token that it has read one of our
pages: the token is in every form, and belongs to the session or, without a session, matches a cookie.

An API call that the session cookie does not authenticate is let through: one without that cookie, and one with a
bearer token, in which case `shared.auth.guard` ignores the cookie. A page of another site cannot set that header
without permission (CORS).
"""

import hmac
import re
from collections.abc import Sequence
from enum import Enum, auto
from urllib.parse import unquote_to_bytes, urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.guard import SESSION, SESSION_COOKIE, NotSignedIn, current_session
from shared.auth.tokens import new_form_nonce
from shared.encryption import Keys, bytes_of_hex
from shared.web.cookies import Cookie
from shared.web.forms import CSRF_FIELD, LONGEST_VALUE, MOST_FIELDS, refuse_many_fields
from shared.web.limits import STREAMED
from shared.web.problems import COOKIELESS, Problem

COOKIE = Cookie("csrftoken")
HEADER = "x-csrftoken"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_JSON = "application/json"
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

    def __init__(
        self, app: ASGIApp, *, keys: Keys, public_url: str, cookieless: Sequence[re.Pattern[str]] = ()
    ) -> None:
        self._app = app
        self._cookieless = cookieless
        self._keys = keys
        self._public_origin = _origin(public_url)
        self._secure = self._public_origin[0] == "https"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        inner = {**scope}
        request = Request(inner)
        token = inner["csrftoken"] = _Token(self._keys, request, COOKIE.value(request, secure=self._secure))
        session_cookies = {SESSION.name(secure=self._secure), SESSION_COOKIE}
        by_token = _has_bearer_token(Headers(scope=scope))
        by_session = not session_cookies.isdisjoint(request.cookies) and not by_token
        is_call = "/api/" in scope["path"] or (by_token and _content_type(Headers(scope=scope)) == _JSON)
        cookieless = inner[COOKIELESS] = any(path.fullmatch(scope["path"]) for path in self._cookieless)
        if scope["method"] not in _SAFE and not cookieless and (by_session or not is_call):
            self._protect(inner, token)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and token.given is not None and not cookieless:
                secure = "; Secure" if self._secure else ""
                cookie = f"{COOKIE.name(secure=self._secure)}={token.given}; Path=/; SameSite=Lax{secure}; HttpOnly"
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

    A dependency of every route: the form's body is read here at the earliest, and only if the token is needed. Where
    files are read as they arrive, their reader does it (`check_form_token`).

    Raises:
        Problem: 403 for a form without the token.
        PageTooOld: the form has another token of ours.
    """
    if request.scope.get(STREAMED) or not isinstance(request.scope.get(_EXPECTED), _Token):
        return
    check_form_token(request, await _token_in_form(request))


def check_form_token(request: Request, sent: str) -> None:
    """Check the token that came with a form, if the client did not say where the request comes from.

    Raises:
        Problem: 403 if it is no token of ours.
        PageTooOld: it is another browser's, or an old one.
    """
    expected = request.scope.get(_EXPECTED)
    if not isinstance(expected, _Token) or expected.matches(sent):
        return
    raise PageTooOld if expected.is_signed(sent) else forged()


def form_nonce_of(request: Request) -> str:
    """Return what the form tokens of this browser are made of, for the session that begins in it.

    Pages that were open before stay good, and with them the answers typed there.
    """
    token = request.scope["csrftoken"]
    return (token.in_cookie if isinstance(token, _Token) else None) or new_form_nonce()


class _Token:
    """The token of one browser: a random nonce and its signature, so that no other host can make one.

    A session names its nonce, so that no one can replace the token by one of their own. Without a session, and in
    sessions of earlier versions, the nonce is that of a cookie.
    """

    def __init__(self, keys: Keys, request: Request, cookie: str | None) -> None:
        self._keys = keys
        self._request = request
        self._cookie = cookie
        self.in_cookie = self._nonce_of(cookie or "")
        self.given: str | None = None
        """What the response sets as the cookie."""

    def __call__(self) -> str:
        """Return the token for the forms of a page; the response sets the cookie if it is not this."""
        nonce = self._nonce() or new_form_nonce()
        text = f"{nonce}.{self._keys.sign(nonce.encode()).hex()}"
        if text != self._cookie:
            self._cookie = self.given = text
            self.in_cookie = nonce
        return text

    def matches(self, sent: str) -> bool:
        """Return whether `sent` is a token of this browser."""
        expected, nonce = self._nonce(), self._nonce_of(sent)
        return expected is not None and nonce is not None and hmac.compare_digest(expected.encode(), nonce.encode())

    def is_signed(self, sent: str) -> bool:
        """Return whether a token is ours, whichever browser it was for."""
        return self._nonce_of(sent) is not None

    def _nonce(self) -> str | None:
        try:
            session = current_session(self._request)
        except NotSignedIn:
            session = None
        return (session.form_nonce if session else None) or self.in_cookie

    def _nonce_of(self, text: str) -> str | None:
        nonce, _, signature = text.partition(".")
        return nonce if self._keys.is_signed(nonce.encode(), bytes_of_hex(signature)) else None


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
