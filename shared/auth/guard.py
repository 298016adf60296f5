"""FastAPI dependencies that say who may use a route. An application with an unguarded route does not start.

They are `async` although they await nothing, because FastAPI would run a plain function in a thread.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from typing import Annotated, Final, TypeVar, cast

from fastapi import Depends, FastAPI, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from shared.auth.permissions import Permission, Principal, Session
from shared.auth.tokens import Audience, InvalidToken, TokenExpired, TokenReader, renewal_is_due
from shared.runtime import WebParts, parts_of
from shared.web.cookies import Cookie

T = TypeVar("T")
SESSION_COOKIE = "signpost_session"
"""The session cookie's name without TLS."""
SESSION = Cookie(SESSION_COOKIE)
RENEWAL_PATH = "/sign-in/renew"
_READING = frozenset({"GET", "HEAD"})
_MARK: Final = "__signpost_guard__"


class NotSignedIn(Exception):
    """The route is for signed-in people and clients only."""


class SessionOver(NotSignedIn):
    """The person was signed in, but their session has ended."""


class BadBearerToken(NotSignedIn):
    """A bearer token was sent and is not acceptable."""


class NotPermitted(Exception):
    """The person is signed in and may not do this."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(permission.value)
        self.permission = permission


class UnguardedRoute(Exception):
    """A route does not declare who may use it."""


class RenewalDue(Exception):
    """The session is valid and should be renewed before the page is shown, because activity keeps it alive."""


class _Unread(Enum):
    UNREAD = auto()


def current_session(request: Request) -> Session | None:
    """Return the session of the request's cookie or token; None if there is neither.

    If a bearer token was sent, it alone decides and the cookie is ignored.

    Raises:
        BadBearerToken: a bearer token was sent and is not acceptable.
        SessionOver: the session cookie has expired, or the session was ended.
    """
    known = getattr(request.state, "session", _Unread.UNREAD)
    if known is _Unread.UNREAD:
        known = request.state.session = _read_session(request)
    return cast(Session | None, known)


def current_principal(request: Request) -> Principal | None:
    """Return the signed-in principal, or None; never raises, so that error pages can use it."""
    try:
        session = current_session(request)
    except NotSignedIn:
        return None
    return session.principal if session else None


async def anyone(request: Request) -> Principal | None:
    """Let everyone in; gives the principal, or None if they are not signed in.

    Raises:
        SessionOver: a form was sent after the session ended; the person decides whether to continue without signing in.
        BadBearerToken: a bearer token was sent and is not acceptable.
        RenewalDue: a page was requested with a session that is due for renewal.
    """
    try:
        session = current_session(request)
    except SessionOver:
        if request.method in _READING:
            return None
        raise
    return _renewed(request, session).principal if session else None


async def signed_in(request: Request) -> Principal:
    """Let in everyone who is signed in.

    Raises:
        NotSignedIn: they are not signed in.
        RenewalDue: a page was requested with a session that is due for renewal.
    """
    return _signed_in(request)


def requires(permission: Permission) -> params.Depends:
    """Return the dependency that lets in principals with `permission`, and gives the `Principal`."""

    async def permitted(request: Request) -> Principal:
        principal = _signed_in(request)
        if not principal.may(permission):
            raise NotPermitted(permission)
        return principal

    setattr(permitted, _MARK, True)
    return cast(params.Depends, Depends(permitted))


def guarding(check: Callable[..., T]) -> Callable[..., T]:
    """Let the route's own dependency guard it, by a check of the secret given to another system."""
    setattr(check, _MARK, True)
    return check


setattr(anyone, _MARK, True)
setattr(signed_in, _MARK, True)

Anyone = Annotated[Principal | None, Depends(anyone)]
SignedIn = Annotated[Principal, Depends(signed_in)]


def assert_every_route_is_guarded(app: FastAPI) -> None:
    """Refuse to start with a route that declares neither a permission nor that it is for everyone.

    Raises:
        UnguardedRoute: names the routes.
    """
    unguarded = sorted(
        f"{'/'.join(sorted(context.methods or ()))} {context.path}"
        for context in iter_route_contexts(app.routes)
        if not isinstance(context.original_route, APIRoute) or not _is_guarded(context.dependant)
    )
    if unguarded:
        raise UnguardedRoute(", ".join(unguarded))


def _is_guarded(dependant: Dependant | None) -> bool:
    if dependant is None:
        return False
    return hasattr(dependant.call, _MARK) or any(_is_guarded(inner) for inner in dependant.dependencies)


def _signed_in(request: Request) -> Principal:
    session = current_session(request)
    if session is None:
        raise NotSignedIn
    request.state.had_to_sign_in = session.principal  # for security events; elsewhere no one is asked who they are
    return _renewed(request, session).principal


def _renewed(request: Request, session: Session) -> Session:
    is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if (
        is_page
        and request.url.path != RENEWAL_PATH
        and "authorization" not in request.headers
        and renewal_is_due(session, _now(request))
    ):
        raise RenewalDue
    return session


def _now(request: Request) -> datetime:
    return parts_of(request, WebParts).clock.now()


def _read_session(request: Request) -> Session | None:
    parts = parts_of(request, WebParts)
    now = parts.clock.now()
    if authorization := request.headers.get("authorization"):
        session = _from_bearer(authorization, parts.tokens, now)
        if parts.ended.include(session):
            raise BadBearerToken
        return session
    found = _from_cookies(request, parts, now)
    if found is not None and parts.ended.include(found):
        raise SessionOver
    return found


def _from_cookies(request: Request, parts: WebParts, now: datetime) -> Session | None:
    """Read the session cookie, or one of an earlier version.

    Earlier versions knew the plain name alone, and their sessions had no id. With TLS only such a session is read under
    the plain name, which another host of our domain could set.
    """
    if cookie := SESSION.value(request, secure=parts.settings.secure):
        return _from_cookie(cookie, parts.tokens, now)
    if earlier := request.cookies.get(SESSION_COOKIE):
        session = _from_cookie(earlier, parts.tokens, now)
        return session if session and session.id is None else None
    return None


def _from_bearer(authorization: str, reader: TokenReader, now: datetime) -> Session:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise BadBearerToken
    try:
        return reader.read(token.strip(), Audience.API, now)
    except InvalidToken as error:
        raise BadBearerToken from error


def _from_cookie(cookie: str, reader: TokenReader, now: datetime) -> Session | None:
    try:
        return reader.read(cookie, Audience.SESSION, now)
    except TokenExpired as error:
        raise SessionOver from error
    except InvalidToken:
        return None
