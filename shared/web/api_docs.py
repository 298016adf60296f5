"""The API's description for people: a page of ours, since the usual ones load scripts from elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response

from shared.auth.guard import anyone
from shared.web.api_description import description_of, operations_of
from shared.web.pages import render


@dataclass(frozen=True, slots=True)
class Operation:
    """One call as the page shows it."""

    method: str
    path: str
    summary: str
    description: str


def description_router(app: FastAPI, prefix: str) -> APIRouter:
    """Return `openapi.json` and `docs` of `app`, without the pages' routes."""
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
