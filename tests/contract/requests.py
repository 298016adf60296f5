"""Requests that the descriptions allow, and others that they do not; on existing objects, and on any others."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from shared.auth.permissions import Role
from shared.web.api_docs import operations_of
from tests.authorisation import table
from tests.authorisation.services import OPENING
from tests.authorisation.table import NOBODY, Row
from tests.contract.documents import openapi_name, written

Asked = Case[Any]
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "12"))
"""The number of requests for each call; `CONTRACT_EXAMPLES=500` looks longer."""
SEED = int(os.environ.get("CONTRACT_SEED", "20261127"))
_VERSIONS = ('"1"', '"2"')
_IDS = re.compile(r"{(\w+)}")

ROWS: Mapping[str, Row] = {row.route: row for row in table.load().values()}


def _without_signing_in(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out authorisation: the sender signs in here, and it is not to be generated."""
    for _method, _path, operation in operations_of(document):
        del operation["security"]
    return document


SCHEMAS = {
    service: schemathesis.openapi.from_dict(_without_signing_in(written(openapi_name(service)))) for service in OPENING
}
OPERATIONS = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for schema in SCHEMAS.values()
    for found in schema.get_all_operations()
    if isinstance(found, Ok)
}
"""`METHOD path` → call, of all services."""


@dataclass(frozen=True)
class Sender:
    """Who sends a request, on which of the world's objects."""

    role: Role | None
    object_kind: str | None
    """None: on a generated object."""


def senders(name: str) -> Sequence[Sender]:
    """Return who sends requests: each who may, on their objects; one of them on anything; and an anonymous one."""
    row = ROWS[name]
    may = sorted(role for role in row.may if role is not NOBODY)
    seen = [Sender(role, kind) for kind, who in row.objects.items() for role in sorted(filter(None, who))[:2]]
    return [*seen, *(Sender(role, None) for role in may[:2]), Sender(NOBODY, None)]


def cases(name: str, address: Callable[[str, str, str], str | None]) -> st.SearchStrategy[tuple[Asked, Sender]]:
    """Return requests to a call; `address` gives a path parameter to an object's kind in a path."""
    operation = OPERATIONS[name]
    modes = [GenerationMode.POSITIVE]
    if operation.path_parameters or operation.query or operation.headers or operation.body:
        modes.append(GenerationMode.NEGATIVE)

    @st.composite
    def drawn(draw: st.DrawFn) -> tuple[Asked, Sender]:
        sender = draw(st.sampled_from(senders(name)))
        fixed: dict[str, Any] = {}
        if sender.object_kind is not None:
            known = {part: address(part, sender.object_kind, operation.path) for part in _IDS.findall(operation.path)}
            fixed["path_parameters"] = {part: value for part, value in known.items() if value is not None}
            if "if-match" in {parameter.name for parameter in operation.headers}:
                fixed["headers"] = {"if-match": draw(st.sampled_from(_VERSIONS))}
        mode = draw(st.sampled_from(modes if not fixed else [GenerationMode.POSITIVE]))
        return draw(operation.as_strategy(mode, **fixed)), sender

    return drawn()
