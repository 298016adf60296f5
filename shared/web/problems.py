"""Errors as clients see them: RFC 9457 problems, and the same words on a page. Nothing submitted is repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import orjson
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts

MEDIA_TYPE = "application/problem+json"
COOKIELESS = "signpost.cookieless"
"""In the scope of a request to a path where no cookie counts: programs go there as often as people."""
TYPE_PREFIX = "urn:signpost:problem:"


class FieldProblem(TypedDict):
    """What is wrong with one field; `message` never repeats the value."""

    name: str
    message: str


class Problem(Exception):
    """Raise to answer with a problem (or its page). Its texts must be our own, never the client's."""

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 - the member's name in RFC 9457
        title: str,
        detail: str | None = None,
        fields: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{status} {type}")
        self.status = status
        self.type = type
        self.title = title
        self.detail = detail
        self.fields = tuple(fields)
        self.headers = dict(headers or {})
        self.members = dict(members or {})


@dataclass(frozen=True, slots=True)
class _Words:
    type: str
    title: str
    detail: str


_STANDARD: Mapping[int, _Words] = {
    400: _Words("bad-request", "The request cannot be read", "Check that it is well formed and in UTF-8."),
    401: _Words("not-signed-in", "Sign in first", "Send a valid bearer token, or sign in."),
    403: _Words("not-permitted", "You cannot do this", "You may not see this or do this."),
    404: _Words("not-found", "Page not found", "Check the address. If you pasted it, check that it is complete."),
    405: _Words("method-not-allowed", "This address does not do that", "Go back to the page you came from."),
    408: _Words("too-slow", "The request took too long to arrive", "Send it again."),
    409: _Words("conflict", "This cannot be done now", "Something else changed first."),
    412: _Words("changed-meanwhile", "Another person changed this", "Read it again, then decide."),
    413: _Words("too-large", "What you sent is too large", "Send less at once."),
    415: _Words("unsupported-media-type", "This kind of content is not accepted here", "Send JSON or a form."),
    421: _Words("misdirected-host", "This name does not serve Signpost", "Use the address that Signpost announces."),
    422: _Words("invalid", "Some answers are missing or not right", "Correct the fields that are named."),
    428: _Words("version-needed", "Say which version you read", "Send an If-Match header."),
    429: _Words("too-many-requests", "Too many requests", "Wait, then try again."),
    431: _Words(
        "too-many-cookies", "Your browser sends too many cookies", "Delete the cookies of this site, then try again."
    ),
    500: _Words("internal-error", "Sorry, there is a problem with the service", "Try again later."),
    503: _Words("unavailable", "Sorry, the service is unavailable", "Nothing was saved. Try again in a moment."),
}


def standard_problem(
    status: int,
    *,
    fields: Sequence[FieldProblem] = (),
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    """Return the standard problem for `status`; an unknown status gets the words of its class."""
    words = _STANDARD.get(status) or _STANDARD[500 if status >= 500 else 400]  # noqa: PLR2004 - server errors
    return Problem(status, words.type, words.title, detail or words.detail, fields, headers)


def problem_response(problem: Problem, trace_id: str | None) -> Response:
    """Return `problem` as `application/problem+json`."""
    body: dict[str, object] = {**problem.members}
    body |= {"type": f"{TYPE_PREFIX}{problem.type}", "title": problem.title, "status": problem.status}
    if problem.detail:
        body["detail"] = problem.detail
    body |= errors_of(problem)
    if trace_id:
        body["trace_id"] = trace_id
    content = orjson.dumps(body, default=str)
    return Response(content, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def errors_of(problem: Problem) -> Mapping[str, object]:
    """Return the member `errors` of a problem: what is wrong with each named field."""
    if not problem.fields:
        return {}
    return {"errors": [{"field": entry["name"], "message": entry["message"]} for entry in problem.fields]}


def wants_problem(request: Request) -> bool:
    """Return whether the client wants problems rather than pages, as at each address of the API's description."""
    path = request.url.path
    if "/api/" in path or "/health/" in path or path.endswith("/metrics") or _is_described(request):
        return True
    accept = request.headers.get("accept", "")
    return "text/html" not in accept and ("json" in accept or bool(request.scope.get(COOKIELESS)))


def _is_described(request: Request) -> bool:
    path, routes = request.scope["path"], iter_route_contexts(request.app.routes)
    return any(route.include_in_schema and route.path_regex.match(path) for route in routes)
