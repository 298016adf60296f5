"""`/sign-in`: to the identity provider and back, or choosing a persona; `/sign-in/renew`, `/sign-out`, `/sessions`."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.sign_in import oidc
from services.intake.sign_in.front_door import FrontDoor, SignInParts, closed
from shared.auth import guard
from shared.auth.permissions import Permission, Principal, Session
from shared.auth.personas import UnknownPersona
from shared.auth.provider import ProviderUnavailable
from shared.auth.tokens import InvalidToken
from shared.messaging.ended_sessions import end_session, end_sessions_of
from shared.messaging.outbox import Outbox
from shared.observability.security import log_security_event, who_hash
from shared.runtime import WebParts, parts_of
from shared.web.cross_site import COOKIE as FORM_COOKIE
from shared.web.cross_site import form_nonce_of
from shared.web.dependencies import Now, OutboxDep, Transaction, at_most
from shared.web.forms import Field, FormErrors, FormPage, FormReader, Kind, read_form
from shared.web.pages import render, show_form
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


@guard.guarding
async def session_if_any(request: Request) -> Session | None:
    """Return the session of the browser; None if there is none, or no longer: who signs in or out needs none."""
    try:
        return None if "authorization" in request.headers else guard.current_session(request)
    except guard.NotSignedIn:
        return None


@router.get("/sign-in", dependencies=[Depends(guard.anyone)])
async def choose(request: Request, door: Door, now: Now) -> Response:
    """Go to the identity provider, or show the people to choose from."""
    if door.oidc is not None:
        return await _begin(request, door, _next_of(request), now)
    return _chooser(request, await personas_allowed(request, door), _next_of(request), FormErrors())


@router.post("/sign-in", dependencies=[Depends(session_if_any), Depends(at_most("60/minute"))])
async def sign_in(request: Request, door: Personas, now: Now) -> Response:
    """Start the session of the chosen person; it replaces any earlier one."""
    answers = await read_form(request)
    onward = relative_address(answers.get("next", [""])[0])
    try:
        chosen = door.persona(answers.get("persona", [""])[0])
    except UnknownPersona:
        return _chooser(request, door, onward, FormErrors({"persona": _CHOOSE}))
    return _signed_in(request, door, RedirectResponse(onward, 303), chosen.principal, now)


@router.get("/sign-in/renew")
def renew(
    request: Request, _principal: Annotated[Principal, Depends(guard.signed_in)], door: Door, now: Now
) -> Response:
    """Extend a session by 30 minutes, up to 8 hours in total."""
    session = guard.current_session(request)
    if session is None or "authorization" in request.headers:
        raise standard_problem(403)
    session = replace(session, form_nonce=session.form_nonce or form_nonce_of(request))
    token = door.tokens().renewed(session, now)
    return _with_session(request, RedirectResponse(relative_address(_next_of(request)), 303), token)


@router.get("/sign-out", dependencies=[Depends(guard.anyone)])
def ask_to_sign_out(request: Request) -> Response:
    """Show the button: a link that signs out could be put on any page."""
    return render(request, "sign_in/sign_out.html")


@router.post("/sign-out")
async def sign_out(
    request: Request,
    ending: Annotated[Session | None, Depends(session_if_any)],
    door: Door,
    now: Now,
    transaction: Transaction,
    outbox: OutboxDep,
) -> Response:
    """End this session in every service, or all sessions of the person; and that at the provider where it can be."""
    everywhere = "everywhere" in await read_form(request)
    if ending is None and everywhere:
        return _without_session(request, RedirectResponse("/sign-in?next=/sign-out", 303))
    if ending is not None:
        await _end(transaction, ending, now, outbox, everywhere=everywhere)
    farewell = await door.oidc.farewell(now) if door.oidc else None
    if farewell is None:
        return _without_session(request, RedirectResponse("/", 303))
    request.state.session = None  # the page is for a person who has left
    title, link = "You have signed out of Signpost", "Sign out of your organisation’s sign-in too"
    return _without_session(request, render(request, "sign_in/leaving.html", address=farewell, title=title, link=link))


async def _end(transaction: AsyncSession, ending: Session, now: datetime, outbox: Outbox, *, everywhere: bool) -> None:
    if ending.id is not None and not everywhere:
        await end_session(transaction, ending.id, now, outbox=outbox)
        return
    who = ending.principal  # by both names, because tokens for the APIs may have another subject
    await end_sessions_of(transaction, {who.subject, who.staff_id or who.subject}, now, outbox=outbox)


Administrator = Annotated[Principal, guard.requires(Permission.ADMINISTER)]
END_SESSIONS = FormPage(
    title="Sign a person out everywhere",
    button="Sign them out everywhere",
    back=("Start page", "/"),
    fields=(Field("staff_id", "Staff number", Kind.ID),),
    intro=(
        "All their sessions end within 2 seconds, and their tokens for the APIs are refused.",
        "They can sign in again. To prevent that, close their account at your organisation’s sign-in first.",
    ),
)


@router.get("/sessions")
async def ask_whose_sessions(request: Request, _principal: Administrator) -> Response:
    """Ask whose sessions to end."""
    return show_form(request, END_SESSIONS)


@router.post("/sessions")
async def end_a_persons_sessions(
    request: Request, principal: Administrator, now: Now, transaction: Transaction, outbox: OutboxDep
) -> Response:
    """End all sessions of the person with a staff id."""
    form = await FormReader.posted(request)
    staff_id = form.line("staff_id", "Enter a staff number")
    if staff_id is None:
        return show_form(request, END_SESSIONS, form)
    await end_sessions_of(transaction, [staff_id], now, outbox=outbox)
    settings = parts_of(request, WebParts).settings
    log_security_event(settings, "sessions_ended", principal, of_hash=who_hash(settings, staff_id))
    return render(request, "sign_in/sessions_ended.html", staff_id=staff_id)


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
    lifetime = int(oidc.ATTEMPT_LIFETIME.total_seconds())
    attempt.cookie.give(response, attempts.encrypt(attempt), secure=_is_secure(request), max_age=lifetime)
    return response


def _attempt(request: Request) -> str:
    return request.query_params.get("state", "")


@router.get(oidc.CALLBACK, dependencies=[Depends(at_most("10/minute", of=_attempt))])
async def come_back(
    request: Request, principal: guard.Anyone, door: Door, now: Now, state: str = "", code: str = "", error: str = ""
) -> Response:
    """Take the person back from the provider, and start the session."""
    provider, attempts = door.provider()
    try:
        attempt = attempts.decrypt(state, oidc.cookie_of(state).value(request, secure=_is_secure(request)), now)
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
        response = _signed_in(request, door, RedirectResponse(attempt.onward, 303), who, now)
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
    attempt.cookie.take(response, secure=_is_secure(request))
    return response


def _forget_many(request: Request, response: Response) -> None:
    """Keep a browser from collecting attempts until its requests are too large to be read."""
    kept = [cookie for name in request.cookies if (cookie := oidc.cookie_named(name))]
    for cookie in kept if len(kept) >= oidc.MOST_AT_ONCE else ():
        cookie.take(response, secure=_is_secure(request))


def _signed_in(request: Request, door: FrontDoor, response: R, who: Principal, now: datetime) -> R:
    """Start a session of `who`; an end that another process has just recorded by its own clock is not for this one."""
    started = max(now, parts_of(request, WebParts).ended.not_before(who))
    token = door.tokens().session(who, now, started_at=started, form_nonce=form_nonce_of(request))
    return _with_session(request, response, token)


def _with_session(request: Request, response: R, token: str) -> R:
    """Start, or go on with, the session that `token` proves.

    Scripts cannot read the cookie. It comes along when a person follows a link here, and by TLS if there is any.
    """
    guard.SESSION.give(response, token, secure=_is_secure(request))
    _forget_plain(request, response)
    return response


def _without_session(request: Request, response: R) -> R:
    """End the session on this device."""
    guard.SESSION.take(response, secure=_is_secure(request))
    FORM_COOKIE.take(response, secure=_is_secure(request))  # the next person here gets another form token
    _forget_plain(request, response)
    return response


def _forget_plain(request: Request, response: Response) -> None:
    """Let the browser forget the session of a version that knew the plain name alone."""
    if _is_secure(request) and guard.SESSION_COOKIE in request.cookies:
        guard.SESSION.take(response, secure=False)


def _is_secure(request: Request) -> bool:
    """Return whether people reach Signpost by TLS."""
    return parts_of(request, WebParts).settings.secure


def relative_address(text: str | None) -> str:
    """Return `text` if it is one of our paths, otherwise `/`, so that a sign-in never sends people to another site."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    return text if text.isprintable() and text.isascii() else "/"
