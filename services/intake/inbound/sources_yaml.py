"""The mapping file: read, checked to the last word, and refused with a line for everything that is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.intake.inbound.domain import InvalidPath, Path
from services.intake.inbound.sources import KINDS, FieldValue, From, OccurrenceBody, Rule, Source, Sources, Value
from shared.auth.permissions import Role
from shared.events.vocabulary import FoundBy, ReportType
from shared.settings import InvalidSettings
from shared.web.bodies import Body

PACKAGED = FilePath(__file__).with_name("sources.yaml")
NOTHING = "nothing"
_FROM = frozenset({"from", "words", "otherwise", "number"})


class InvalidSources(InvalidSettings):
    """The mapping file cannot be used; the message says everything that is wrong with it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _From(_Strict):
    paths: str | tuple[str, ...] = Field(alias="from")
    words: Mapping[str, str] | None = None
    otherwise: str | None = None
    number: bool = False


class _Rule(_Strict):
    type: str = Field(min_length=1)
    when: Mapping[str, tuple[str, ...]] = {}
    report: str
    fields: Mapping[str, object] = {}


class _Source(_Strict):
    id: str = Field(pattern=r"^[a-z0-9-]{1,50}$")
    name: str = Field(min_length=1, max_length=100)
    source: str = Field(min_length=1)
    monitoring: bool = False
    clients: frozenset[str] = frozenset()
    roles: frozenset[Role] = frozenset()
    events: tuple[_Rule, ...] = Field(min_length=1)


class _File(_Strict):
    sources: tuple[_Source, ...]


def load_sources(path: FilePath | None = None) -> Sources:
    """Read the mapping of each source.

    Raises:
        InvalidSources: says what is wrong, and where.
    """
    path = path or PACKAGED
    try:
        written = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSources(f"{path.name}: {error}") from None
    except ValidationError as error:
        raise InvalidSources("\n".join(_shape(path, error))) from None
    problems = [*_twice(written), *(problem for source in written.sources for problem in _of_source(source))]
    if problems:
        raise InvalidSources("\n".join(f"{path.name}: {problem}" for problem in problems))
    return Sources(tuple(_source(source) for source in written.sources))


def _shape(path: FilePath, error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        yield f"{path.name}: {'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"


def _twice(written: _File) -> Iterator[str]:
    ids = [source.id for source in written.sources]
    yield from (f"{name}: this id is used twice" for name in sorted({name for name in ids if ids.count(name) > 1}))


def _of_source(source: _Source) -> Iterator[str]:
    for rule in source.events:
        where = f"{source.id}, {rule.type}"
        for problem in _of_rule(rule, monitoring=source.monitoring):
            yield f"{where}: {problem}"


def _of_rule(rule: _Rule, *, monitoring: bool) -> Iterator[str]:
    yield from _of_paths(rule.when)
    if rule.report == NOTHING:
        if rule.fields:
            yield "what is not stored has no fields"
        return
    body = _body(rule.report)
    if body is None:
        yield f"report: {rule.report} is none of {', '.join([*(kind.value for kind in KINDS), NOTHING])}"
        return
    yield from _of_missing(body, rule)
    for name, value in rule.fields.items():
        yield from (f"{name}: {problem}" for problem in _of_field(body, name, value))
    if rule.fields.get("found_by") == FoundBy.MONITORING and not monitoring:
        yield "found_by: only a source with `monitoring: true` may say monitoring"


def _of_missing(body: type[OccurrenceBody], rule: _Rule) -> Iterator[str]:
    for name, field in body.model_fields.items():
        if field.is_required() and name not in rule.fields:
            yield f"{name}: this field is needed"
    if body.EITHER and rule.fields.keys().isdisjoint(body.EITHER):
        yield f"one of {', '.join(body.EITHER)} is needed"


def _of_field(body: type[Body], name: str, value: object) -> Iterator[str]:
    if name not in body.model_fields:
        yield f"there is no such field; there are {', '.join(body.model_fields)}"
        return
    try:
        made = _value(value)
    except (InvalidPath, ValidationError) as error:
        yield str(error) if isinstance(error, InvalidPath) else "is neither `from:` with its options nor a fixed value"
        return
    many = _is_list(body, name)
    for fixed in _fixed(made, many=many):
        try:
            TypeAdapter[object](body.model_fields[name].annotation or object).validate_python(fixed)
        except ValidationError as error:
            yield error.errors(include_url=False, include_input=False)[0]["msg"]


def _fixed(value: Value, *, many: bool) -> Iterator[object]:
    """Give every answer that is known before an event comes: fixed ones, and our words for theirs."""
    if isinstance(value, From):
        ours = [*(value.words or {}).values(), *([] if value.otherwise is None else [value.otherwise])]
        yield from ([word] if many else word for word in ours)
    elif not _has_from(value):
        yield value


def _has_from(value: Value) -> bool:
    match value:
        case From():
            return True
        case Mapping():
            return any(_has_from(inner) for inner in value.values())
        case list() | tuple():
            return any(_has_from(inner) for inner in value)
        case _:
            return False


def _of_paths(paths: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for path in paths:
        try:
            Path.parse(path)
        except InvalidPath as error:
            yield f"when: {error}"


def _source(source: _Source) -> Source:
    rules = tuple(_rule(rule) for rule in source.events)
    return Source(source.id, source.name, source.source, rules, source.monitoring, source.clients, source.roles)


def _rule(rule: _Rule) -> Rule:
    when = {Path.parse(path): frozenset(word.casefold() for word in words) for path, words in rule.when.items()}
    body = _body(rule.report)
    if body is None:
        return Rule(rule.type, when, None)
    many = partial(_is_list, body)
    fields = tuple(FieldValue(name, _value(value), many(name)) for name, value in rule.fields.items())
    return Rule(rule.type, when, ReportType(rule.report), fields)


def _value(written: object) -> Value:
    match written:
        case Mapping() if "from" in written:
            entry = _From.model_validate(written)
            texts = (entry.paths,) if isinstance(entry.paths, str) else entry.paths
            words = None if entry.words is None else {theirs.casefold(): ours for theirs, ours in entry.words.items()}
            return From(tuple(Path.parse(text) for text in texts), words, entry.otherwise, entry.number)
        case Mapping():
            return {str(name): _value(inner) for name, inner in written.items()}
        case list():
            return [_value(inner) for inner in written]
        case str() | int() | bool() | None:
            return written
        case _:
            raise InvalidPath(f"{type(written).__name__} is no value of a report; put it in quotes")


def _body(report: str) -> type[OccurrenceBody] | None:
    return KINDS.get(ReportType(report)) if report in set(ReportType) else None


def _is_list(body: type[Body], name: str) -> bool:
    return get_origin(body.model_fields[name].annotation) is tuple
