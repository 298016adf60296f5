"""Turns exceptions into problems for clients and pages for people, without a word of what was submitted."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from python_multipart.exceptions import FormParserError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.guard import RENEWAL_PATH, BadBearerToken, NotPermitted, NotSignedIn, RenewalDue, SessionOver
from shared.auth.permissions import ROLE_NAMES, Permission, roles_with
from shared.messaging.faults import is_transient
from shared.observability.traces import current_trace_id
from shared.runtime import WebParts, parts_of
from shared.web.bodies import field_problems, unreadable_body
from shared.web.cross_site import PageTooOld, forged
from shared.web.forms import read_form
from shared.web.limits import STREAMED
from shared.web.pages import render
from shared.web.problems import Problem, problem_response, standard_problem, wants_problem
from shared.web.refusals import Refusal, Refusals
from shared.web.refusals import problem_of as refused

_log = structlog.get_logger()
_UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError)
_CUT_SHORT = "Signpost is being restarted. Look whether what you sent is there before you send it again."
"""The request may have committed something already."""


class Failures:
    """The outermost exception handler. Whatever reaches it is answered, and logged without its message."""

    def __init__(self, app: ASGIApp, *, application: FastAPI) -> None:
        self._app = app
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:  # the process stops, and has waited for this request long enough
            if started:
                raise
            await self._answer(_unavailable(_CUT_SHORT), scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the outermost place of a request
            if started:
                _log.error("response_broken_off", exc_info=error)
                raise ResponseBrokenOff from None
            await self._answer(problem_of(error), scope, receive, send)

    async def _answer(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request({"csrftoken": str, **scope, "app": self._application}, receive)
        await answer_to(request, problem)(scope, receive, send)


class ResponseBrokenOff(Exception):
    """A response failed after it began; the cause is in the log."""


def install(app: FastAPI, refusals: Refusals) -> None:
    """Register how `app` answers its exceptions."""
    for standard in (Problem, HTTPException, RequestValidationError, NotPermitted, FormParserError):
        app.add_exception_handler(standard, _on_standard_error)
    app.add_exception_handler(NotSignedIn, _on_not_signed_in)
    app.add_exception_handler(RenewalDue, _on_renewal_due)
    app.add_exception_handler(PageTooOld, _on_page_too_old)
    for kind, refusal in refusals.items():
        app.add_exception_handler(kind, _on_domain_error(refusal))


async def _on_standard_error(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError) and _is_no_json(request, error):
        return answer_to(request, standard_problem(415, detail="Send JSON, with content-type: application/json."))
    return answer_to(request, _standard(error, parts_of(request, WebParts).settings.help_contact))


def _is_no_json(request: Request, error: RequestValidationError) -> bool:
    """Return whether the body was not read because its content type is not one of JSON, such as that of a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return not re.fullmatch(r"|application/([\w.+-]+\+)?json", kind) and ("body",) in [
        one["loc"] for one in error.errors()
    ]


def _who_can(permission: Permission, contact: str | None) -> str:
    """Return which roles may do it, and whom to ask for one."""
    names = [ROLE_NAMES[role] for role in roles_with(permission)]
    named = " or ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)
    whom = contact or "the people who run Signpost in your organisation"
    return f"This is for: {named}. If your work needs it, ask your line manager to request that role from {whom}."


def _standard(error: Exception, contact: str | None) -> Problem:
    match error:
        case Problem():
            return error
        case HTTPException():
            return standard_problem(error.status_code, fields=unreadable_body(error), headers=error.headers)
        case RequestValidationError():
            return standard_problem(422, fields=field_problems(error.errors()))
        case NotPermitted():
            return standard_problem(403, detail=_who_can(error.permission, contact))
        case _:
            return standard_problem(400)  # a body that python-multipart cannot parse


def answer_to(request: Request, problem: Problem) -> Response:
    """Return `problem` for a client, or its page for a person."""
    request.state.refused_because = problem.type
    if wants_problem(request):
        return problem_response(problem, current_trace_id())
    page = render(request, "error.html", problem.status, problem=problem, trace_id=current_trace_id())
    page.headers.update(problem.headers)
    return page


def problem_of(error: Exception) -> Problem:
    """Return the problem for an unhandled exception, and log it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, _UNAVAILABLE) or (isinstance(error, DBAPIError) and is_transient(error)):
        _log.warning("request_failed_for_now", exc_info=error)
        return _unavailable()
    _log.error("request_failed", exc_info=error)
    return standard_problem(500)


def _unavailable(detail: str | None = None) -> Problem:
    return standard_problem(503, detail=detail, headers={"retry-after": "2"})


async def _on_not_signed_in(request: Request, error: Exception) -> Response:
    if wants_problem(request) or isinstance(error, BadBearerToken):
        challenge = 'Bearer error="invalid_token"' if isinstance(error, BadBearerToken) else "Bearer"
        return answer_to(request, standard_problem(401, headers={"www-authenticate": challenge}))
    if request.method in {"GET", "HEAD"}:
        return RedirectResponse(_sign_in_address(request), 303)
    streamed = bool(request.scope.get(STREAMED))
    read = parts_of(request, WebParts).read_streamed if streamed else read_form
    return _keep_what_was_typed(
        request, 401, await read(request), was_signed_in=isinstance(error, SessionOver), had_files=streamed
    )


async def _on_page_too_old(request: Request, _error: Exception) -> Response:
    if wants_problem(request) or request.scope.get(STREAMED):  # a form with files was read up to here
        return answer_to(request, forged())
    request.state.refused_because = forged().type
    return _keep_what_was_typed(request, 403, await read_form(request), too_long=True)


async def _on_renewal_due(request: Request, _error: Exception) -> Response:
    return RedirectResponse(_renewal_address(request), 303)


def _sign_in_address(request: Request) -> str:
    """Return the URL to sign in and come back."""
    return f"/sign-in?next={_this_page(request)}"


def _renewal_address(request: Request) -> str:
    """Return the URL to renew the session and come back."""
    return f"{RENEWAL_PATH}?next={_this_page(request)}"


def _this_page(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path + query, safe="/")


def _keep_what_was_typed(
    request: Request, status_code: int, typed: Mapping[str, Sequence[str]], **why: bool
) -> Response:
    """Return a page that keeps the posted answers, and sends them again with one click."""
    return render(
        request,
        "send_again.html",
        status_code,
        answers=typed,
        action=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        **why,
    )


def _on_domain_error(refusal: Refusal) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def on_domain_error(request: Request, error: Exception) -> Response:
        return answer_to(request, refused(refusal, error))

    return on_domain_error
