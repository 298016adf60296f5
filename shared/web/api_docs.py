"""The API's description (OpenAPI 3.1), including errors and sign-in, and the page that shows it.

FastAPI describes its own validation errors; we answer every error with a problem (RFC 9457).
"""

from collections.abc import Iterator, Mapping, MutableMapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts

from shared.auth.guard import anyone
from shared.web.pages import render
from shared.web.problems import MEDIA_TYPE

_BEARER = "bearer"
_METHODS = ("get", "post", "put", "patch", "delete")
_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")
_REFUSED = {"$ref": "#/components/responses/Refused"}
_SCHEMES = {
    _BEARER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of the identity provider; a service client gets its own by client credentials.",
    }
}
_PROBLEM = {
    "type": "object",
    "description": "What is wrong and what to do (RFC 9457). It repeats nothing that was sent.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A stable name, for scripts to check."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "The id of the request in logs."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_RESPONSE = {
    "description": "Refused, or not possible now",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def description_of(app: FastAPI) -> dict[str, Any]:
    """Return the description of `app`'s API, without the routes of its pages."""
    document = deepcopy(app.openapi())
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FRAMEWORKS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    components["responses"] = {"Refused": _RESPONSE}
    components["securitySchemes"] = _SCHEMES
    open_to_all = set(_open_to_all(app))
    for method, path, operation in operations_of(document):
        operation["responses"].pop("422", None)
        operation["responses"] |= {"4XX": _REFUSED, "503": _REFUSED}
        bearer: list[Mapping[str, list[str]]] = [{_BEARER: []}]
        operation["security"] = [{}, *bearer] if (method, path) in open_to_all else bearer
    return document


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, MutableMapping[str, Any]]]:
    """Yield method, path and description of each call, in the order of the paths."""
    for path, item in sorted(document.get("paths", {}).items()):
        yield from ((method, path, item[method]) for method in _METHODS if method in item)


def _open_to_all(app: FastAPI) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(app.routes):
        if _lets_anyone_in(context.dependant):
            yield from ((method.lower(), str(context.path)) for method in context.methods or ())


def _lets_anyone_in(dependant: Dependant | None) -> bool:
    return dependant is not None and (
        dependant.call is anyone or any(_lets_anyone_in(inner) for inner in dependant.dependencies)
    )


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, as the page shows it."""

    method: str
    path: str
    summary: str
    description: str


def description_router(app: FastAPI, prefix: str) -> APIRouter:
    """Return the routes of `openapi.json` and `docs` of `app`."""
    router = APIRouter(prefix=f"{prefix}/api/v1", include_in_schema=False, dependencies=[Depends(anyone)])

    @router.get("/openapi.json")
    def openapi() -> dict[str, object]:
        return description_of(app)

    @router.get("/docs")
    def docs(request: Request) -> Response:
        operations = list(_operations(description_of(app)))
        return render(request, "api_docs.html", title=app.title, operations=operations, prefix=prefix)

    return router


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for method, path, call in operations_of(document):
        yield Operation(method.upper(), path, call.get("summary", ""), call.get("description", ""))
