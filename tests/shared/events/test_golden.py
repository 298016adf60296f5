"""Readers and writers of different ages understand each other: every event, in both directions."""

import copy
import json
from collections.abc import Iterator

import jsonschema
import pytest

from shared.events import codec, topics
from shared.events.envelope import Event
from tests.contract.catalogue import BY_TYPE, EVENTS
from tests.shared.events.golden import GOLDEN, BrokenPromise, check, example, promised, schema_of

PUBLISHED = sorted(path.name.removesuffix(".example.json") for path in GOLDEN.glob("*.example.json"))
EACH_EVENT = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)


@EACH_EVENT
def test_the_schema_is_the_promised_one(event: type[Event]) -> None:
    assert schema_of(event) == promised(event.TYPE), "run python -m tests.shared.events.golden and read what it says"


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_a_new_reader_reads_every_example_ever_published(event_type: str) -> None:
    event = codec.read(example(event_type), BY_TYPE[event_type])
    written = json.loads(event.model_dump_json(exclude_none=True))
    assert set(written) >= set(json.loads(example(event_type)))


@EACH_EVENT
def test_an_example_has_every_field_and_keeps_the_schema(event: type[Event]) -> None:
    document = json.loads(example(event.TYPE))
    jsonschema.validate(document, promised(event.TYPE))
    assert set(document) == set(event.model_fields)


@EACH_EVENT
def test_an_old_reader_reads_an_event_with_fields_it_does_not_know(event: type[Event]) -> None:
    document = json.loads(example(event.TYPE))
    newer = json.dumps(_with_unknown_fields(document)).encode()
    assert codec.read(newer, event) == codec.read(example(event.TYPE), event)


@EACH_EVENT
def test_an_old_reader_takes_a_word_it_does_not_know_as_unrecognised(event: type[Event]) -> None:
    document = json.loads(example(event.TYPE))
    for path in _paths_of_words(document, promised(event.TYPE)):
        newer = copy.deepcopy(document)
        _put(newer, path, "a_word_of_next_year")
        read = json.loads(codec.read(json.dumps(newer).encode(), event).model_dump_json())
        assert _get(read, path) == "unrecognised", path


@EACH_EVENT
def test_a_written_event_is_read_back(event: type[Event]) -> None:
    read = codec.read(example(event.TYPE), event)
    assert codec.read(read.model_dump_json(exclude_none=True).encode(), event) == read


def test_every_event_travels_on_a_declared_topic() -> None:
    assert {topic for event in EVENTS for topic in event.TOPICS} <= topics.BY_NAME.keys()


def test_types_are_unique_and_versioned() -> None:
    assert len({event.TYPE for event in EVENTS}) == len(EVENTS)
    assert all(event.TYPE.rpartition(".v")[2].isdigit() for event in EVENTS)


def _schema(**parts: object) -> dict[str, object]:
    return {"properties": {"a": {"type": "string"}}, "required": ["a"], **parts}


@pytest.mark.parametrize(
    "after",
    [
        _schema(properties={}, required=[]),
        _schema(properties={"a": {}, "b": {}}, required=["a", "b"]),
        _schema(**{"$defs": {"Word": {"enum": ["one"]}}}),
    ],
    ids=["a field went away", "a new field is required", "a word went away"],
)
def test_a_change_that_others_would_not_survive_is_refused(after: dict[str, object]) -> None:
    with pytest.raises(BrokenPromise):
        check(_schema(**{"$defs": {"Word": {"enum": ["one", "two"]}}}), after)


def test_a_new_optional_field_and_a_new_word_are_welcome() -> None:
    before = _schema(**{"$defs": {"Word": {"enum": ["one"]}}})
    check(before, _schema(properties={"a": {}, "b": {}}, **{"$defs": {"Word": {"enum": ["one", "two"]}}}))


Path = tuple[str | int, ...]


def _with_unknown_fields(part: object) -> object:
    if isinstance(part, list):
        return [_with_unknown_fields(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {**{name: _with_unknown_fields(item) for name, item in part.items()}, "field_of_next_year": {"deep": [1]}}


def _paths_of_words(part: object, schema: dict, root: dict | None = None, path: Path = ()) -> Iterator[Path]:  # type: ignore[type-arg]  # JSON
    """Find the places of a document where its schema has an openly read enum."""
    root = root or schema
    schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    choices = schema.get("anyOf", [])
    if any(choice.get("const") == "unrecognised" for choice in choices):
        yield path
    elif choices:
        yield from _paths_of_words(part, choices[0], root, path)
    elif isinstance(part, dict):
        for name, item in part.items():
            yield from _paths_of_words(item, schema["properties"][name], root, (*path, name))
    elif isinstance(part, list):
        for index, item in enumerate(part):
            yield from _paths_of_words(item, schema["items"], root, (*path, index))


def _put(document: object, path: Path, word: str) -> None:
    parent = _get(document, path[:-1])
    parent[path[-1]] = word  # type: ignore[index]  # JSON


def _get(document: object, path: Path) -> object:
    for step in path:
        document = document[step]  # type: ignore[index]  # JSON
    return document
