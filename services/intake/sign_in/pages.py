"""`/sign-in`, `/sign-in/renew` and `/sign-out`."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.sign_in.front_door import FrontDoor
from shared.auth.guard import SESSION_COOKIE, anyone, current_session, signed_in
from shared.auth.personas import UnknownPersona
from shared.auth.principal import Principal
from shared.auth.tokens import TokenIssuer
from shared.settings import ServiceSettings
from shared.web.dependencies import Now
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render
from shared.web.problems import Problem, standard_problem
from shared.web.rate_limits import at_most
from shared.web.signing_in_again import relative_address

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_CHOOSE = "Choose who to sign in as"

router = APIRouter(include_in_schema=False)


def personas_allowed(request: Request) -> FrontDoor:
    """Let choosing a person through: only where personas are set, and only by a loopback name.

    Raises:
        Problem: 403 where personas are off, 421 where the Host is another name.
    """
    door = cast(FrontDoor, request.app.state.front_door)
    if door.issuer is None or not door.personas:
        raise Problem(403, "no-personas", "You cannot sign in here", "Signing in by choosing a person is turned off.")
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name.lower() not in _LOOPBACK:
        raise standard_problem(421)
    return door


Personas = Annotated[FrontDoor, Depends(personas_allowed)]


@router.get("/sign-in", dependencies=[Depends(anyone)])
def choose(request: Request, door: Personas) -> Response:
    """Show the people to choose from."""
    return _chooser(request, door, _next_of(request), FormErrors())


@router.post("/sign-in", dependencies=[Depends(anyone), Depends(at_most("60/minute"))])
async def sign_in(request: Request, door: Personas, now: Now) -> Response:
    """Start the session of the person chosen; a session that was there before is over."""
    answers = await read_form(request)
    onward = relative_address(answers.get("next", [""])[0])
    try:
        chosen = door.persona(answers.get("persona", [""])[0])
    except UnknownPersona:
        return _chooser(request, door, onward, FormErrors({"persona": _CHOOSE}))
    token = _issuer(door).session(chosen.principal, now)
    return _with_cookie(request, RedirectResponse(onward, 303), token)


@router.get("/sign-in/renew")
def renew(request: Request, principal: Annotated[Principal, Depends(signed_in)], now: Now) -> Response:
    """Let a session go on for another 30 minutes, 8 hours in all at most."""
    session = current_session(request)
    onward = RedirectResponse(relative_address(_next_of(request)), 303)
    if session is None or "authorization" in request.headers:
        raise standard_problem(403)
    door = cast(FrontDoor, request.app.state.front_door)
    return _with_cookie(request, onward, _issuer(door).session(principal, now, started_at=session.started_at))


@router.get("/sign-out", dependencies=[Depends(anyone)])
def ask_to_sign_out(request: Request) -> Response:
    """Show the button: a link that signs out could be put on any page."""
    return render(request, "sign_in/sign_out.html")


@router.post("/sign-out", dependencies=[Depends(anyone)])
def sign_out(request: Request) -> Response:
    """End the session on this device."""
    response = RedirectResponse("/", 303)
    response.delete_cookie(SESSION_COOKIE, secure=_is_secure(request), httponly=True, samesite="lax")
    return response


def _chooser(request: Request, door: FrontDoor, onward: str, errors: FormErrors) -> Response:
    context = {"personas": door.personas, "next": onward, "errors": errors}
    return render(request, "sign_in/choose.html", 422 if errors else 200, **context)


def _with_cookie(request: Request, response: Response, token: str) -> Response:
    response.set_cookie(SESSION_COOKIE, token, secure=_is_secure(request), httponly=True, samesite="lax")
    return response


def _issuer(door: FrontDoor) -> TokenIssuer:
    if door.issuer is None:
        raise standard_problem(403)
    return door.issuer


def _next_of(request: Request) -> str:
    return relative_address(request.query_params.get("next"))


def _is_secure(request: Request) -> bool:
    return cast(ServiceSettings, request.app.state.settings).secure
