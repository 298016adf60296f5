"""The one table of who may use which route, `matrix.yaml`, and how it is read.

A row is `METHOD path: {…}` with

- `may`: whom the guard lets in: roles and groups of roles (below), `signed-in`, or `everyone`
- for a route about one object, then the objects that it is tried on, each with who sees it:
  `own`, `other`, `restricted`, … → roles; everyone else in `may` gets `hidden`
- `hidden`: what they get, 404 unless the row says otherwise (`403|404`: one or the other)
- `send`: what is sent: `json` or `form`, and which `version` was read, 1 unless the row says otherwise; `{case_id}` is
  the object's, as in the path. A change of an object must be sent complete: a response that something is missing (400,
  422) does not show whether they may
- `path`: the value of the path's parameters, if it is not the object
- `found`: what those in `may` get if the object is not there (404) or is not theirs
- `endless`: whether the response never ends

Names that begin with `_` are not rows: they hold what several rows share. A route that does several things has a row
for each, with the action after the path: `POST path (withdraw)`.

Everyone who is not in `may` gets 403, or what `refused` says. Without sign-in, a page redirects to sign-in (`303`),
and everything else answers `401`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.auth.permissions import Role

MATRIX = Path(__file__).with_name("matrix.yaml")
ROOT = Path(__file__).parents[2]
NOBODY = None
EVERYBODY: tuple[Role | None, ...] = (*Role, NOBODY)
_GROUPS: Mapping[str, frozenset[Role | None]] = {
    "everyone": frozenset(EVERYBODY),
    "signed-in": frozenset(Role),
    "smart": frozenset({Role.SMART_RESPONDER, Role.SMART_LEAD}),
    "sirt": frozenset({Role.SIRT_RESPONDER, Role.SIRT_LEAD}),
    "leads": frozenset({Role.SMART_LEAD, Role.SIRT_LEAD, Role.TRIAGE_DESK}),
    "responders": frozenset(
        {
            Role.SMART_RESPONDER,
            Role.SMART_LEAD,
            Role.SIRT_RESPONDER,
            Role.SIRT_LEAD,
            Role.TRIAGE_DESK,
            Role.ADVICE_CENTRE,
            Role.POLICY_STANDARDS,
        }
    ),
    "register": frozenset(
        {
            Role.SMART_RESPONDER,
            Role.SMART_LEAD,
            Role.SIRT_RESPONDER,
            Role.SIRT_LEAD,
            Role.TRIAGE_DESK,
            Role.ADVICE_CENTRE,
            Role.POLICY_STANDARDS,
            Role.ACCOUNT_OPERATOR,
            Role.ACCOUNT_OWNER,
            Role.APPROVER,
            Role.COMMS,
            Role.INSPECTOR,
        }
    ),
    "owners": frozenset({Role.ACCOUNT_OWNER, Role.COMMS}),
    "nobody": frozenset(),
}


@dataclass(frozen=True)
class Row:
    """What the table says about one route."""

    method: str
    path: str
    may: frozenset[Role | None]
    objects: Mapping[str, frozenset[Role | None]] = field(default_factory=dict)
    refused: str = "403"
    hidden: str = "404"
    found: str = "allowed"
    endless: bool = False
    send: Mapping[str, Any] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_call(self) -> bool:
        """Whether it is for programs: below `/api/`, or elsewhere in the API's description."""
        return "/api/" in self.path or self.path in described_paths()


@cache
def described_paths() -> frozenset[str]:
    """Return the addresses of all calls that the services describe, as docs/contracts/ has them."""
    described = (ROOT / "docs" / "contracts").glob("openapi-*.json")
    return frozenset(path for one in described for path in json.loads(one.read_text("utf-8"))["paths"])


def load() -> Mapping[str, Row]:
    """Return the table by `METHOD path`, with the action if a route has several rows."""
    written = yaml.safe_load(MATRIX.read_text(encoding="utf-8")) or {}
    return {name: _row(name, entry) for name, entry in written.items() if not name.startswith("_")}


def _row(name: str, entry: Mapping[str, Any]) -> Row:
    method, path = name.partition(" (")[0].split(" ", 1)
    known = {"may", "objects", "refused", "hidden", "found", "send", "path", "endless"}
    assert set(entry) <= known, f"{name}: {sorted(set(entry) - known)}"
    objects = {kind: roles(who) for kind, who in entry.get("objects", {}).items()}
    may = roles(entry["may"])
    assert all(seen <= may for seen in objects.values()), f"{name}: who sees an object has to get past the guard"
    return Row(
        method,
        path,
        may,
        objects,
        refused=str(entry.get("refused", 403)),
        hidden=str(entry.get("hidden", 404)),
        found=str(entry.get("found", "allowed")),
        endless=entry.get("endless", False),
        send=entry.get("send", {}),
        fill=entry.get("path", {}),
    )


def roles(written: str | Iterable[str]) -> frozenset[Role | None]:
    """Read `smart, comms` or a list of such words."""
    words = [word.strip() for word in written.split(",")] if isinstance(written, str) else list(written)
    return frozenset().union(*(_GROUPS[word] if word in _GROUPS else {Role(word)} for word in words if word))


def words_for(who: frozenset[Role | None]) -> str:
    """Return `who` in the form that the table uses."""
    group = next((name for name, members in _GROUPS.items() if members == who), None)
    return group or f"[{', '.join(role.value for role in Role if role in who)}]"
