"""`/sign-in`, to the identity provider and back or by choosing a persona; `/sign-in/renew` and `/sign-out`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.sign_in import oidc
from services.intake.sign_in.front_door import FrontDoor, SignInParts, closed
from shared.auth.guard import SESSION_COOKIE, Anyone, anyone, current_session, signed_in
from shared.auth.permissions import Principal
from shared.auth.personas import UnknownPersona
from shared.auth.provider import ProviderUnavailable
from shared.auth.tokens import InvalidToken
from shared.runtime import WebParts, parts_of
from shared.web.dependencies import Now, at_most
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import standard_problem

R = TypeVar("R", bound=Response)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_CHOOSE = "Choose who to sign in as"
_log = structlog.get_logger()

router = APIRouter(include_in_schema=False)


async def front_door(request: Request) -> FrontDoor:
    """Return what signing in needs."""
    return parts_of(request, SignInParts).front_door


Door = Annotated[FrontDoor, Depends(front_door)]


async def personas_allowed(request: Request, door: Door) -> FrontDoor:
    """Let choosing a person through: only where personas are set, and only by a loopback name.

    Raises:
        Problem: 403 where personas are off, 421 where the Host is another name.
    """
    if door.issuer is None or not door.personas:
        raise closed()
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name.lower() not in _LOOPBACK:
        raise standard_problem(421)
    return door


Personas = Annotated[FrontDoor, Depends(personas_allowed)]


@router.get("/sign-in", dependencies=[Depends(anyone)])
async def choose(request: Request, door: Door, now: Now) -> Response:
    """Go to the identity provider, or show the people to choose from."""
    if door.oidc is not None:
        return await _begin(request, door, _next_of(request), now)
    return _chooser(request, await personas_allowed(request, door), _next_of(request), FormErrors())


@router.post("/sign-in", dependencies=[Depends(anyone), Depends(at_most("60/minute"))])
async def sign_in(request: Request, door: Personas, now: Now) -> Response:
    """Start the session of the chosen person; it replaces any earlier one."""
    answers = await read_form(request)
    onward = relative_address(answers.get("next", [""])[0])
    try:
        chosen = door.persona(answers.get("persona", [""])[0])
    except UnknownPersona:
        return _chooser(request, door, onward, FormErrors({"persona": _CHOOSE}))
    return _with_session(request, RedirectResponse(onward, 303), door.tokens().session(chosen.principal, now))


@router.get("/sign-in/renew")
def renew(request: Request, principal: Annotated[Principal, Depends(signed_in)], door: Door, now: Now) -> Response:
    """Extend a session by 30 minutes, up to 8 hours in total."""
    session = current_session(request)
    if session is None or "authorization" in request.headers:
        raise standard_problem(403)
    token = door.tokens().session(principal, now, started_at=session.started_at)
    return _with_session(request, RedirectResponse(relative_address(_next_of(request)), 303), token)


@router.get("/sign-out", dependencies=[Depends(anyone)])
def ask_to_sign_out(request: Request) -> Response:
    """Show the button: a link that signs out could be put on any page."""
    return render(request, "sign_in/sign_out.html")


@router.post("/sign-out", dependencies=[Depends(anyone)])
async def sign_out(request: Request, door: Door, now: Now) -> Response:
    """End the session on this device, and at the provider where it can be ended there."""
    farewell = await door.oidc.farewell(now) if door.oidc else None
    if farewell is None:
        return _without_session(request, RedirectResponse("/", 303))
    request.state.session = None  # the page is for a person who has left
    title, link = "You have signed out of Signpost", "Sign out of your organisation’s sign-in too"
    return _without_session(request, render(request, "sign_in/leaving.html", address=farewell, title=title, link=link))


def _chooser(request: Request, door: FrontDoor, onward: str, errors: FormErrors) -> Response:
    context = {"personas": door.personas, "next": onward, "errors": errors}
    return render(request, "sign_in/choose.html", 422 if errors else 200, **context)


def _next_of(request: Request) -> str:
    """Return where to go on; never to signing in or out again."""
    onward = relative_address(request.query_params.get("next"))
    return "/" if onward.startswith("/sign-") else onward


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a person is not signed in, and what to do."""

    status: int
    reason: str
    title: str
    text: str


DENIED = Failure(
    403, "denied", "You did not sign in", "You cancelled, or your organisation does not let you use this service."
)
OVER = Failure(400, "over", "Start signing in again", "It took too long, or it was started in another browser.")
REFUSED = Failure(400, "refused", "Start signing in again", "This sign-in was used before or is no longer valid.")
UNAVAILABLE = Failure(
    503, "away", "You cannot sign in at the moment", "The sign-in service is not responding. Try again in a minute."
)
NOT_TRUSTED = Failure(
    502,
    "not_trusted",
    "Signing in did not work",
    "We cannot trust what the sign-in service told us, so you are not signed in. Try again. If it keeps happening, "
    "tell your IT helpdesk.",
)


async def _begin(request: Request, door: FrontDoor, onward: str, now: datetime) -> Response:
    """Send the person to the provider.

    By a page that goes on by itself and not by a redirect: our Content-Security-Policy lets no form lead to another
    site, and a person who sent a form may be on their way through here.
    """
    provider, attempts = door.provider()
    attempt = oidc.Attempt.begin(onward, now)
    try:
        address = await provider.address(attempt, now)
    except ProviderUnavailable:
        return _failed(request, UNAVAILABLE, onward)
    response = render(request, "sign_in/leaving.html", address=address, title="Taking you to sign in", link="Sign in")
    _forget_many(request, response)
    response.set_cookie(
        attempt.cookie,
        attempts.encrypt(attempt),
        max_age=int(oidc.ATTEMPT_LIFETIME.total_seconds()),
        path=oidc.PATH,
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",  # comes back with the person, who comes from another site
    )
    return response


def _attempt(request: Request) -> str:
    return request.query_params.get("state", "")


@router.get(oidc.CALLBACK, dependencies=[Depends(at_most("10/minute", of=_attempt))])
async def come_back(
    request: Request, principal: Anyone, door: Door, now: Now, state: str = "", code: str = "", error: str = ""
) -> Response:
    """Take the person back from the provider, and start the session."""
    provider, attempts = door.provider()
    try:
        attempt = attempts.decrypt(state, request.cookies.get(oidc.cookie_of(state)), now)
    except oidc.AttemptOver:
        # the page was loaded again after a successful sign-in
        return RedirectResponse("/", 303) if principal else _failed(request, OVER, "/")
    if error or not code:
        return _finished(request, _failed(request, DENIED, attempt.onward), attempt)
    try:
        who = await provider.who_came_back(code, attempt, now)
    except oidc.SignInRefused:
        response = _failed(request, REFUSED, attempt.onward)
    except ProviderUnavailable:
        response = _failed(request, UNAVAILABLE, attempt.onward)
    except InvalidToken:
        response = _failed(request, NOT_TRUSTED, attempt.onward)
    else:
        response = _with_session(request, RedirectResponse(attempt.onward, 303), door.tokens().session(who, now))
        _log.info("signed_in", roles=sorted(who.roles))
    return _finished(request, response, attempt)


def _failed(request: Request, failure: Failure, onward: str) -> Response:
    _log.warning("sign_in_failed", reason=failure.reason)
    response = render(request, "sign_in/failed.html", failure.status, failure=failure, onward=onward)
    if failure is UNAVAILABLE:
        response.headers["retry-after"] = "60"
    return response


def _finished(request: Request, response: Response, attempt: oidc.Attempt) -> Response:
    """Let an attempt be used once."""
    response.delete_cookie(attempt.cookie, path=oidc.PATH, secure=_is_secure(request), httponly=True, samesite="lax")
    return response


def _forget_many(request: Request, response: Response) -> None:
    """Keep a browser from collecting attempts until its requests are too large to be read."""
    kept = [name for name in request.cookies if name.startswith(oidc.COOKIE)]
    for name in kept if len(kept) >= oidc.MOST_AT_ONCE else ():
        response.delete_cookie(name, path=oidc.PATH, secure=_is_secure(request), httponly=True, samesite="lax")


def _with_session(request: Request, response: R, token: str) -> R:
    """Start, or go on with, the session that `token` proves.

    Scripts cannot read the cookie. It comes along when a person follows a link here, and by TLS if there is any.
    """
    response.set_cookie(SESSION_COOKIE, token, secure=_is_secure(request), httponly=True, samesite="lax")
    return response


def _without_session(request: Request, response: R) -> R:
    """End the session on this device."""
    response.delete_cookie(SESSION_COOKIE, secure=_is_secure(request), httponly=True, samesite="lax")
    return response


def _is_secure(request: Request) -> bool:
    """Return whether people reach Signpost by TLS."""
    return parts_of(request, WebParts).settings.secure


def relative_address(text: str | None) -> str:
    """Return `text` if it is one of our paths, otherwise `/`, so that a sign-in never sends people to another site."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    return text if text.isprintable() and text.isascii() else "/"
