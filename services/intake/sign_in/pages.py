"""`/sign-in`, `/sign-in/renew` and `/sign-out`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.sign_in import provider_pages
from services.intake.sign_in.cookies import with_session, without_session
from services.intake.sign_in.front_door import FrontDoor, SignInParts, closed
from shared.auth.guard import anyone, current_session, signed_in
from shared.auth.permissions import Principal
from shared.auth.personas import UnknownPersona
from shared.runtime import parts_of
from shared.web.dependencies import Now, at_most
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import standard_problem
from shared.web.signing_in_again import relative_address

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_CHOOSE = "Choose who to sign in as"

router = APIRouter(include_in_schema=False)
router.include_router(provider_pages.router)


async def front_door(request: Request) -> FrontDoor:
    """Give what signing in needs."""
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


@router.get("/sign-in", dependencies=[Depends(anyone), Depends(at_most("600/minute"))])
async def choose(request: Request, door: Door, now: Now) -> Response:
    """Go to the identity provider, or show the people to choose from."""
    if door.oidc is not None:
        return await provider_pages.begin(request, door, _next_of(request), now)
    return _chooser(request, await personas_allowed(request, door), _next_of(request), FormErrors())


@router.post("/sign-in", dependencies=[Depends(anyone), Depends(at_most("60/minute"))])
async def sign_in(request: Request, door: Personas, now: Now) -> Response:
    """Start the session of the person chosen; a session that was there before is over."""
    answers = await read_form(request)
    onward = relative_address(answers.get("next", [""])[0])
    try:
        chosen = door.persona(answers.get("persona", [""])[0])
    except UnknownPersona:
        return _chooser(request, door, onward, FormErrors({"persona": _CHOOSE}))
    return with_session(request, RedirectResponse(onward, 303), door.tokens().session(chosen.principal, now))


@router.get("/sign-in/renew")
def renew(request: Request, principal: Annotated[Principal, Depends(signed_in)], door: Door, now: Now) -> Response:
    """Let a session go on for another 30 minutes, 8 hours in all at most."""
    session = current_session(request)
    if session is None or "authorization" in request.headers:
        raise standard_problem(403)
    token = door.tokens().session(principal, now, started_at=session.started_at)
    return with_session(request, RedirectResponse(relative_address(_next_of(request)), 303), token)


@router.get("/sign-out", dependencies=[Depends(anyone)])
def ask_to_sign_out(request: Request) -> Response:
    """Show the button: a link that signs out could be put on any page."""
    return render(request, "sign_in/sign_out.html")


@router.post("/sign-out", dependencies=[Depends(anyone)])
async def sign_out(request: Request, door: Door, now: Now) -> Response:
    """End the session on this device, and at the provider where it can be ended there."""
    farewell = await door.oidc.farewell(now) if door.oidc else None
    if farewell is None:
        return without_session(request, RedirectResponse("/", 303))
    request.state.session = None  # the page is for a person who has left
    title, link = "You have signed out of Signpost", "Sign out of your organisation’s sign-in too"
    return without_session(request, render(request, "sign_in/leaving.html", address=farewell, title=title, link=link))


def _chooser(request: Request, door: FrontDoor, onward: str, errors: FormErrors) -> Response:
    context = {"personas": door.personas, "next": onward, "errors": errors}
    return render(request, "sign_in/choose.html", 422 if errors else 200, **context)


def _next_of(request: Request) -> str:
    """Return where to go on; never to signing in or out again."""
    onward = relative_address(request.query_params.get("next"))
    return "/" if onward.startswith("/sign-") else onward
