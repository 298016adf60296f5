"""Every form carries a token that matches a cookie. An API call is exempt only without a session cookie.

A request with a bearer token is never authenticated by the cookie (`shared.auth.guard`), so it needs no token.
"""

from collections.abc import Container
from http.cookies import CookieError
from typing import cast

from asgi_csrf import Errors, asgi_csrf_decorator, cookies_from_scope
from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.guard import SESSION_COOKIE
from shared.web.problems import Problem, standard_problem

COOKIE = "csrftoken"
HEADER = "x-csrftoken"
_PASSED = "signpost.csrf_passed"


def forged() -> Problem:
    """Return the refusal of a form whose token does not match."""
    return Problem(
        403,
        "form-not-trusted",
        "This form cannot be trusted any more",
        "Go back, reload the page and send the form again. Cookies have to be allowed.",
    )


class Csrf:
    """asgi-csrf, kept from inputs that would make it fail, and with a cookie that no script can read."""

    def __init__(self, app: ASGIApp, *, key: bytes, secure: bool) -> None:
        protect = asgi_csrf_decorator(
            cookie_name=COOKIE,
            http_header=HEADER,
            signing_secret=key.hex(),
            always_protect=_EveryPage(),
            skip_if_scope=_is_api_call_without_session,
            cookie_secure=secure,
            send_csrf_failed=_refuse,
        )
        self._app = app
        self._protected = cast(ASGIApp, protect(self._passed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        passed: list[bool] = []
        try:
            await self._protected({**scope, _PASSED: passed}, _in_ascii(scope, receive), _with_private_cookie(send))
        except (ValueError, TypeError, IndexError, AssertionError, CookieError, FormParserError) as error:
            if passed:
                raise
            raise standard_problem(400) from error  # asgi-csrf fails on what it cannot decode

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_PASSED].append(True)
        await self._app(scope, receive, send)


class _EveryPage(Container[str]):
    """asgi-csrf lets a request without any cookie pass, except at these paths: all but the APIs'."""

    def __contains__(self, path: object) -> bool:
        return "/api/" not in str(path)


def _is_api_call_without_session(scope: Scope) -> bool:
    return "/api/" in scope["path"] and SESSION_COOKIE not in cookies_from_scope(scope)


async def _refuse(_scope: Scope, _send: Send, _error: Errors) -> None:
    raise forged()


def _in_ascii(scope: Scope, receive: Receive) -> Receive:
    """Percent-encode what a form should have percent-encoded: asgi-csrf fails on bytes that are no UTF-8."""
    if not Headers(scope=scope).get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        return receive

    async def receiving() -> Message:
        message = await receive()
        body = message.get("body", b"")
        return message if body.isascii() else {**message, "body": _percent_encoded(body)}

    return receiving


def _percent_encoded(body: bytes) -> bytes:
    return body.replace(b"\\", b"%5C").decode("ascii", "backslashreplace").replace("\\x", "%").encode()


def _with_private_cookie(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [_private(name, value) for name, value in message["headers"]]
        await send(message)

    return sending


def _private(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    ours = name.lower() == b"set-cookie" and value.startswith(f"{COOKIE}=".encode())
    return name, value + b"; HttpOnly" if ours else value
