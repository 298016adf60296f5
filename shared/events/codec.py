"""CloudEvents 1.0 on a log: we write binary mode, and read binary and structured mode.

An error carries no text of the record: only its class name is ever logged.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import orjson
from pydantic import ValidationError

from shared.clock import InvalidMoment, parse_moment
from shared.events.envelope import Event
from shared.messaging.log import Headers, Record

MAX_VALUE_BYTES = 1_000_000
"""The size limit of one event: the default limit of a broker."""

LONGEST_ATTRIBUTE = 500
"""Characters of an attribute that others send; ours are far shorter."""
SPECVERSION = "1.0"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some editors and tools write it in front of UTF-8; it is no part of the JSON."""
_CONTENT_TYPE = b"application/json"
_STRUCTURED = b"application/cloudevents+json"
_VERSIONED = re.compile(r"(?P<name>.+)\.v(?P<version>[0-9]+)")
_DATA = frozenset({"data", "data_base64"})
_TEXTS = frozenset({"specversion", "id", "source", "type", "subject", "time", "datacontenttype"})
"""Attributes that are texts; extensions may be numbers and true or false as well."""
_NO_CHARACTERS = "".join(chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF))
_NOT_IN_A_STRING = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NO_CHARACTERS}]")
"""What CloudEvents 1.0 keeps out of a String: control characters, halves of a pair, and what is no character."""
_NUL = (b"\x00", b"\\u0000")

D = TypeVar("D", bound=Event)


class Unreadable(Exception):
    """A record that cannot become an event; the class says why."""


class MissingHeaders(Unreadable):
    """Not a CloudEvent 1.0: no type, no source or no version."""


class InvalidAttribute(Unreadable):
    """An attribute is not UTF-8, too long, holds a control character, is no text or does not parse."""


class TooLarge(Unreadable):
    """The value is larger than `MAX_VALUE_BYTES`."""


class NotUtf8(Unreadable):
    """The value is not UTF-8."""


class InvalidJson(Unreadable):
    """The value is not JSON; truncated, for example."""


class NestedTooDeep(Unreadable):
    """The value is JSON that is nested too deep to read."""


class ContainsNul(Unreadable):
    """A string contains U+0000, which PostgreSQL cannot store."""


class InvalidData(Unreadable):
    """The value is JSON, but does not match the event's schema."""


class UnknownVersion(Unreadable):
    """An unknown version of a type that we listen to."""


class UntrustedSource(Unreadable):
    """The source is not one of the topic's declared writers."""


@dataclass(frozen=True, slots=True)
class Message:
    """A CloudEvent's attributes, and its data as bytes."""

    id: str | None
    source: str
    type: str
    subject: str
    sequence: int | None
    time: datetime | None
    traceparent: str | None
    data: bytes | None
    """None for a tombstone."""
    datacontenttype: str | None = None
    """What kind of content the sender says that `data` is; None means JSON."""


def source_of(service: str) -> str:
    """Return the `ce_source` of `service`."""
    return f"/signpost/{service}"


def headers_of(
    event_type: str, *, event_id: str, source: str, subject: str, sequence: int, time: datetime, traceparent: str | None
) -> Headers:
    """Return the headers of an event in binary mode."""
    headers = (
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", event_type.encode()),
        ("ce_specversion", b"1.0"),
        ("ce_time", time.isoformat().encode()),
        ("ce_subject", subject.encode()),
        ("ce_sequence", b"%d" % sequence),
        ("content-type", _CONTENT_TYPE),
    )
    return (*headers, ("traceparent", traceparent.encode())) if traceparent else headers


def parse(record: Record) -> Message:
    """Read the attributes of a record, in binary or structured mode.

    Raises:
        Unreadable: one of its subclasses says why.
    """
    if record.value is not None and len(record.value) > MAX_VALUE_BYTES:
        raise TooLarge
    headers = dict(record.headers)
    if record.value is not None and headers.get("content-type", b"").lower().startswith(_STRUCTURED):
        return _parse_structured(record.value)
    attributes = {name[3:]: _text(value) for name, value in headers.items() if name.startswith("ce_")}
    if "content-type" in headers:
        attributes["datacontenttype"] = _text(headers["content-type"])
    return _message(attributes, _optional_text(headers.get("traceparent")), record.value)


def read(data: bytes, event: type[D]) -> D:
    """Read an event's data; unknown fields are ignored, unknown enum values become `unrecognised`.

    Raises:
        Unreadable: one of its subclasses says why.
    """
    if any(mark in data for mark in _NUL) and _holds_nul(_load(data)):
        raise ContainsNul
    try:
        return event.model_validate_json(data)
    except ValidationError as error:
        reason = _reason(data, error)
    except RecursionError:
        reason = NestedTooDeep
    raise reason


def is_other_version(event_type: str, known: frozenset[str]) -> bool:
    """Return whether `event_type` is an unknown version of one of the `known` types."""
    match = _VERSIONED.fullmatch(event_type)
    return match is not None and event_type not in known and match["name"] in {_unversioned(name) for name in known}


def _unversioned(event_type: str) -> str:
    match = _VERSIONED.fullmatch(event_type)
    return match["name"] if match else event_type


def _parse_structured(value: bytes) -> Message:
    document = _load(value)
    if not isinstance(document, dict):
        raise InvalidJson
    written = {name: item for name, item in document.items() if name not in _DATA and item is not None}
    if not all(isinstance(item, str) for name, item in written.items() if name in _TEXTS):
        raise InvalidAttribute
    attributes = {name: _checked(str(item)) for name, item in written.items()}
    return _message(attributes, attributes.get("traceparent"), _structured_data(document))


def _structured_data(document: dict[str, object]) -> bytes | None:
    encoded, data = document.get("data_base64"), document.get("data")
    if encoded is None:
        return None if data is None else orjson.dumps(data)
    if data is not None:
        raise InvalidData
    try:
        return base64.b64decode(str(encoded), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise InvalidJson


def _message(attributes: dict[str, str], traceparent: str | None, data: bytes | None) -> Message:
    if not attributes.get("type") or not attributes.get("source") or not attributes.get("specversion"):
        raise MissingHeaders
    if attributes["specversion"] != SPECVERSION:
        raise InvalidAttribute
    return Message(
        id=attributes.get("id") or None,
        source=attributes["source"],
        type=attributes["type"],
        subject=attributes.get("subject", ""),
        sequence=_sequence(attributes.get("sequence")),
        time=_time(attributes.get("time")),
        traceparent=traceparent,
        data=data,
        datacontenttype=attributes.get("datacontenttype"),
    )


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 2**31:
        raise InvalidAttribute
    return int(text)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except InvalidMoment:
        pass
    raise InvalidAttribute


def _text(value: bytes) -> str:
    try:
        return _checked(value.decode())
    except UnicodeDecodeError:
        pass
    raise InvalidAttribute


def _checked(text: str) -> str:
    if not is_attribute(text):
        raise InvalidAttribute
    return text


def is_attribute(text: str) -> bool:
    """Return whether `text` can be an attribute: not too long, and a String of CloudEvents 1.0 (type system)."""
    if len(text) > LONGEST_ATTRIBUTE:
        return False
    return text.isprintable() or not _NOT_IN_A_STRING.search(text)  # the first is true of almost all, and fast


def _optional_text(value: bytes | None) -> str | None:
    return None if value is None else _text(value)


def _load(value: bytes) -> object:
    try:
        return orjson.loads(value.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        reason = _json_reason(value, str(error))
    raise reason


def _reason(data: bytes, error: ValidationError) -> type[Unreadable]:
    first = error.errors(include_input=False, include_url=False)[0]
    return _json_reason(data, first["msg"]) if first["type"] == "json_invalid" else InvalidData


def _json_reason(value: bytes, message: str) -> type[Unreadable]:
    if "recursion" in message.lower():
        return NestedTooDeep
    try:
        value.decode()
    except UnicodeDecodeError:
        return NotUtf8
    return InvalidJson


def _holds_nul(value: object) -> bool:
    """Walk without recursion: a document may be nested to any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and "\x00" in item:
            return True
        if isinstance(item, dict):
            waiting.extend((*item, *item.values()))
        elif isinstance(item, list):
            waiting.extend(item)
    return False
