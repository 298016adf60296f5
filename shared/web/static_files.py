"""The files under /assets: GOV.UK's and MoJ's, installed by `make assets`, and our own. The front door serves them."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response

from shared.auth.guard import anyone
from shared.web.problems import standard_problem

BUILT = Path(__file__).parent / "assets"
OWN = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=3600"
_TYPES = {
    ".js": "text/javascript",
    ".json": "application/manifest+json",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
}

router = APIRouter(include_in_schema=False)


@router.get("/assets/{path:path}", dependencies=[Depends(anyone)])
def asset(request: Request, path: str, v: str | None = None) -> Response:
    """Serve one file. With the mark of its content (`v`) it may be kept for ever."""
    found = find_asset(path)
    if found is None:
        raise standard_problem(404)
    caching = _FOR_EVER if v == fingerprint(found) else _FOR_A_WHILE
    headers = {"cache-control": caching, "etag": f'"{fingerprint(found)}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return FileResponse(found, media_type=_TYPES.get(found.suffix), headers=headers)


@cache
def asset_url(path: str) -> str:
    """Return the address of an asset with the mark of its content."""
    found = find_asset(path)
    return f"/assets/{path}?v={fingerprint(found)}" if found else f"/assets/{path}"


def find_asset(path: str) -> Path | None:
    """Return the file of an asset, None where there is none; never one outside the two folders."""
    if "\x00" in path:
        return None
    for folder in (OWN, BUILT):
        candidate = (folder / path).resolve()
        if candidate.is_relative_to(folder.resolve()) and candidate.is_file():
            return candidate
    return None


@cache
def fingerprint(path: Path) -> str:
    """Return a short digest of a file's content, read once a process."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
