"""The files under /assets: GOV.UK's and MoJ's, installed by `make assets`, and our own stylesheet."""

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
BUILT = FOLDER / "assets"
OWN = FOLDER / "static"


@cache
def asset_url(path: str) -> str:
    """Return the address of an asset, with a mark of its content, so that it can be cached for ever."""
    found = find_asset(path)
    return f"/assets/{path}?v={_fingerprint(found)}" if found else f"/assets/{path}"


def find_asset(path: str) -> Path | None:
    """Return the file of an asset, None where there is none; never one outside the two folders."""
    for folder in (OWN, BUILT):
        candidate = (folder / path).resolve()
        if candidate.is_relative_to(folder.resolve()) and candidate.is_file():
            return candidate
    return None


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
