"""The files under /assets: GOV.UK's and MoJ's, installed by `make assets`, and our own. Intake serves them."""

import hashlib
import os
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from shared.auth.guard import anyone

BUILT = Path(__file__).parent / "assets"
OWN = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=3600"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/manifest+json",
    ".mjs": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
}
"""Types that the machine's own table may lack, or may have otherwise."""

router = APIRouter(include_in_schema=False)


class _Assets(StaticFiles):
    """Serves two folders under one URL, with the same content types on every machine."""

    def get_directories(self, directory: object = None, packages: object = None) -> list[str | os.PathLike[str]]:
        del directory, packages
        return [OWN, BUILT]

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        found = Path(full_path)
        if "content-type" in response.headers and found.suffix in _TYPES:
            response.headers["content-type"] = _TYPES[found.suffix]
        marked = Request(scope).query_params.get("v") == fingerprint(found)
        response.headers["cache-control"] = _FOR_EVER if marked else _FOR_A_WHILE
        return response


_ASSETS = _Assets()


@router.get("/assets/{path:path}", dependencies=[Depends(anyone)])
async def asset(request: Request, path: str) -> Response:
    """Serve one file. With the digest of its content (`v`) it may be cached for ever."""
    return await _ASSETS.get_response(path, request.scope)


@cache
def asset_url(path: str) -> str:
    """Return the URL of an asset, with the digest of its content."""
    found, there = _ASSETS.lookup_path(path)
    return f"/assets/{path}?v={fingerprint(Path(found))}" if there else f"/assets/{path}"


@cache
def fingerprint(path: Path) -> str:
    """Return a short digest of a file's content, read once per process."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
