"""Golden schemas: the promised JSON of events. `python -m tests.shared.events.golden` writes new additions."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import shared.events
from shared.events.envelope import Event
from tests.contract.catalogue import EVENTS

GOLDEN = Path(shared.events.__file__).parent / "golden"
_PROSE = frozenset({"title", "description"})

Schema = Mapping[str, "Schema | list[Schema] | str | list[str]"]


class BrokenPromise(Exception):
    """A change that breaks an old reader or an old event: make it a new version."""


def schema_of(event: type[Event]) -> dict[str, object]:
    """Return the JSON Schema of `event`, without prose."""
    schema = _without_prose(event.model_json_schema(mode="serialization"))
    assert isinstance(schema, dict)
    return schema


def promised(event_type: str) -> dict[str, object]:
    """Return the golden schema of a type."""
    return dict(json.loads((GOLDEN / f"{event_type}.schema.json").read_text()))


def example(event_type: str) -> bytes:
    """Return the golden example of a type."""
    return (GOLDEN / f"{event_type}.example.json").read_bytes()


def check(before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """Compare two schemas of one event.

    Raises:
        BrokenPromise: a field was removed or became required, or an enum lost a value.
    """
    for name, old, new in _objects(before, after):
        if gone := old["properties"].keys() - new["properties"].keys():
            raise BrokenPromise(f"{name}: {sorted(gone)} gone")
        if demanded := set(new.get("required", [])) - set(old.get("required", [])):
            raise BrokenPromise(f"{name}: {sorted(demanded)} required now")
    for name, values in _enums(before).items():
        if lost := values - _enums(after).get(name, values):
            raise BrokenPromise(f"{name}: {sorted(lost)} gone")


def _objects(before: Mapping[str, object], after: Mapping[str, object]) -> list[tuple[str, dict, dict]]:  # type: ignore[type-arg]  # JSON
    old, new = _named(before), _named(after)
    return [(name, old[name], new[name]) for name in old.keys() & new.keys() if "properties" in old[name]]


def _enums(schema: Mapping[str, object]) -> dict[str, set[str]]:
    return {name: set(part["enum"]) for name, part in _named(schema).items() if "enum" in part}


def _named(schema: Mapping[str, object]) -> dict[str, dict]:  # type: ignore[type-arg]  # JSON
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)
    return {"the event": dict(schema), **definitions}


def _without_prose(part: object) -> object:
    if isinstance(part, list):
        return [_without_prose(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        name: {field: _without_prose(value) for field, value in item.items()}
        if name == "properties"
        else _without_prose(item)
        for name, item in part.items()
        if name not in _PROSE or not isinstance(item, str)
    }


def write() -> None:
    """Write the schemas that were added to; refuse a broken promise."""
    for event in EVENTS:
        path = GOLDEN / f"{event.TYPE}.schema.json"
        if path.exists():
            check(promised(event.TYPE), schema_of(event))
        path.write_text(json.dumps(schema_of(event), indent=2, sort_keys=True) + "\n")
        if not (GOLDEN / f"{event.TYPE}.example.json").exists():
            sys.stderr.write(f"write an example with every field: {event.TYPE}.example.json\n")


if __name__ == "__main__":
    write()
