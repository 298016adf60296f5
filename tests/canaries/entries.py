"""The one table of what can be written to an API, `entries.yaml`, compared with the APIs' own descriptions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from shared.auth.permissions import Role
from shared.web.api_docs import operations_of
from tests.authorisation.services import OPENING
from tests.canaries.markers import CANARY
from tests.contract.documents import openapi_name, written

TABLE = Path(__file__).with_name("entries.yaml")
_NOT_FREE = frozenset({"enum", "const", "format"})


@dataclass(frozen=True)
class Entry:
    """One request that is accepted."""

    name: str
    who: str
    about: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    """What is typed beside the files."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Names of fields, and of the files in them."""
    type: str = "application/json"
    never: Mapping[str, str] = field(default_factory=dict)
    answers: int | None = None

    @property
    def route(self) -> str:
        return self.name.partition(" (")[0]

    @property
    def method(self) -> str:
        return self.route.split(" ", 1)[0]

    @property
    def path(self) -> str:
        return self.route.split(" ", 1)[1]

    @property
    def sender(self) -> tuple[Role, str] | None:
        """Role and staff number; None without a sign-in."""
        role, _, staff_id = self.who.partition(" ")
        return (Role(role), staff_id) if staff_id else None

    def fields(self) -> set[str]:
        """Return where in the request the canaries are."""
        named = {f"query:{name}" for name, value in self.query.items() if CANARY in value}
        named |= {f"header:{name}" for name, value in self.headers.items() if CANARY in value}
        return named | set(_canaries(self.written, ""))

    @property
    def written(self) -> Any:  # noqa: ANN401 - JSON
        """What is written in the body."""
        return self.form if self.files else self.json


def entries() -> list[Entry]:
    """Return the table."""
    return [Entry(name, **row) for name, row in yaml.safe_load(TABLE.read_text("utf-8")).items()]


def described() -> Mapping[str, set[str]]:
    """Return the free text of each call, as the APIs describe themselves: `METHOD path` → fields.

    Every call is sent `If-Match` and `Idempotency-Key` with a canary, whether it has such headers or not.
    """
    found: dict[str, set[str]] = {}
    for service in OPENING:
        document = written(openapi_name(service))
        for method, path, call in operations_of(document):
            fields = set(_parameters(call, document))
            for content in call.get("requestBody", {}).get("content", {}).values():
                fields |= set(_free(content["schema"], document, ""))
            if fields:
                found[f"{method.upper()} {path}"] = fields
    return found


def _parameters(call: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    for parameter in call.get("parameters", ()):
        name = f"{parameter['in']}:{parameter['name'].lower()}"
        if name not in {"header:if-match", "header:idempotency-key"} and list(_free(parameter["schema"], document, "")):
            yield name


def _free(schema: Mapping[str, Any], document: Mapping[str, Any], at: str) -> Iterator[str]:
    """Yield the path of each text in a schema that accepts free text."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _free(choice, document, at)
    kind = schema.get("type")
    if kind == "object":
        for name, inner in schema.get("properties", {}).items():
            yield from _free(inner, document, f"{at}.{name}" if at else name)
    elif kind == "array":
        yield from _free(schema.get("items", {}), document, f"{at}[]")
    elif kind == "string" and not _NOT_FREE & schema.keys():
        yield at


def _canaries(value: Any, at: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _canaries(inner, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _canaries(inner, f"{at}[]")
    elif isinstance(value, str) and CANARY in value:
        yield at
