"""Serving /assets; the front door includes this router."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response

from shared.auth.guard import anyone
from shared.web.assets import find_asset
from shared.web.problems import standard_problem

_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=3600"
_TYPES = {".woff2": "font/woff2", ".js": "text/javascript", ".json": "application/manifest+json"}

router = APIRouter(include_in_schema=False)


@router.get("/assets/{path:path}", dependencies=[Depends(anyone)])
def asset(request: Request, path: str, v: Annotated[str | None, "fingerprint"] = None) -> Response:
    """Serve one file; a fingerprinted address never changes its content."""
    found = _existing(path)
    caching = _FOR_EVER if v else _FOR_A_WHILE
    response = FileResponse(found, media_type=_TYPES.get(found.suffix), headers={"cache-control": caching})
    response.set_stat_headers(found.stat())
    if request.headers.get("if-none-match") == response.headers["etag"]:
        return Response(status_code=304, headers={"etag": response.headers["etag"], "cache-control": caching})
    return response


def _existing(path: str) -> Path:
    found = None if "\x00" in path else find_asset(path)
    if found is None:
        raise standard_problem(404)
    return found
