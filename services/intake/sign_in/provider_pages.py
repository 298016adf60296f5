"""To the identity provider and back: `/sign-in` where there is one, and `/sign-in/callback`."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.sign_in.attempts import COOKIE, LIFETIME, MOST_AT_ONCE, PATH, Attempt, AttemptOver, cookie_of
from services.intake.sign_in.cookies import is_secure, with_session
from services.intake.sign_in.front_door import FrontDoor, SignInParts
from services.intake.sign_in.oidc import CALLBACK, SignInRefused
from shared.auth.guard import Anyone
from shared.auth.provider import ProviderUnavailable
from shared.auth.tokens import InvalidToken
from shared.runtime import parts_of
from shared.web.dependencies import Now, at_most
from shared.web.pages import render

_log = structlog.get_logger()

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a person is not signed in, in words that say what to do."""

    status: int
    reason: str
    title: str
    text: str


DENIED = Failure(403, "denied", "You did not sign in", "You cancelled, or your organisation does not let you in here.")
OVER = Failure(400, "over", "Start signing in again", "It took too long, or it was started in another browser.")
REFUSED = Failure(400, "refused", "Start signing in again", "This sign-in was used before or is no longer good.")
UNAVAILABLE = Failure(
    503, "away", "Signing in does not work at the moment", "The sign-in service does not answer. Try again in a minute."
)
NOT_TRUSTED = Failure(
    502,
    "not_trusted",
    "Signing in did not work",
    "What the sign-in service told us cannot be trusted, so you are not signed in. Try again. If it stays like this, "
    "tell your IT helpdesk.",
)


async def begin(request: Request, door: FrontDoor, onward: str, now: datetime) -> Response:
    """Send the person to the provider.

    By a page that goes on by itself and not by a redirect: our Content-Security-Policy lets no form lead to another
    site, and a person who sent a form may be on their way through here.
    """
    oidc, attempts = door.provider()
    attempt = Attempt.begin(onward, now)
    try:
        address = await oidc.address(attempt, now)
    except ProviderUnavailable:
        return _failed(request, UNAVAILABLE, onward)
    response = render(request, "sign_in/leaving.html", address=address, title="Taking you to sign in", link="Sign in")
    _forget_many(request, response)
    response.set_cookie(
        attempt.cookie,
        attempts.seal(attempt),
        max_age=int(LIFETIME.total_seconds()),
        path=PATH,
        secure=is_secure(request),
        httponly=True,
        samesite="lax",  # comes back with the person, who comes from another site
    )
    return response


@router.get(CALLBACK, dependencies=[Depends(at_most("600/minute"))])
async def come_back(
    request: Request, principal: Anyone, now: Now, state: str = "", code: str = "", error: str = ""
) -> Response:
    """Take the person back from the provider, and start the session."""
    door = parts_of(request, SignInParts).front_door
    oidc, attempts = door.provider()
    try:
        attempt = attempts.open(state, request.cookies.get(cookie_of(state)), now)
    except AttemptOver:
        # a page that is loaded again after all went well
        return RedirectResponse("/", 303) if principal else _failed(request, OVER, "/")
    if error or not code:
        return _finished(request, _failed(request, DENIED, attempt.onward), attempt)
    try:
        who = await oidc.who_came_back(code, attempt, now)
    except SignInRefused:
        response = _failed(request, REFUSED, attempt.onward)
    except ProviderUnavailable:
        response = _failed(request, UNAVAILABLE, attempt.onward)
    except InvalidToken:
        response = _failed(request, NOT_TRUSTED, attempt.onward)
    else:
        response = with_session(request, RedirectResponse(attempt.onward, 303), door.tokens().session(who, now))
        _log.info("signed_in", roles=sorted(who.roles))
    return _finished(request, response, attempt)


def _failed(request: Request, failure: Failure, onward: str) -> Response:
    _log.warning("sign_in_failed", reason=failure.reason)
    response = render(request, "sign_in/failed.html", failure.status, failure=failure, onward=onward)
    if failure is UNAVAILABLE:
        response.headers["retry-after"] = "60"
    return response


def _finished(request: Request, response: Response, attempt: Attempt) -> Response:
    """Let an attempt be used once."""
    response.delete_cookie(attempt.cookie, path=PATH, secure=is_secure(request), httponly=True, samesite="lax")
    return response


def _forget_many(request: Request, response: Response) -> None:
    """Keep a browser from collecting attempts until its requests are too large to be read."""
    kept = [name for name in request.cookies if name.startswith(COOKIE)]
    for name in kept if len(kept) >= MOST_AT_ONCE else ():
        response.delete_cookie(name, path=PATH, secure=is_secure(request), httponly=True, samesite="lax")
