"""CloudEvents 1.0 over HTTP: binary, structured and batch mode (HTTP protocol binding §3), read by the CloudEvents SDK.

The SDK reads the attributes. What it lets pass is refused here, and it knows no batches (decision 0036). The log's
consumer reads data by the same `read_data`.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote, unquote_to_bytes

import orjson
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from services.intake.inbound.domain import DataNotReadable, InboundEvent, time_or_none
from shared.clock import InvalidMoment, parse_moment
from shared.events.codec import BYTE_ORDER_MARK, LONGEST_ATTRIBUTE, SPECVERSION, is_attribute

STRUCTURED = JSONFormat.CONTENT_TYPE
BATCH = "application/cloudevents-batch+json"
MOST_AT_ONCE = 100
_JSON = re.compile(r"(application|text)/([\w.+-]+\+)?json")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_NEEDED = ("specversion", "id", "source", "type")
_READ = (*_NEEDED, "subject", "time")
"""The attributes that a mapping can use. Others are ignored, whatever they hold."""


class NotACloudEvent(Exception):
    """The body or the headers are not a CloudEvent; the message says what to correct, in our own words."""


class ModeNotKnown(Exception):
    """The content type is none of CloudEvents', and no header begins with `ce-`."""


class TooManyEvents(Exception):
    """A batch has more than `MOST_AT_ONCE` events."""


def read_events(headers: Mapping[str, str], body: bytes) -> tuple[Sequence[InboundEvent | NotACloudEvent], bool]:
    """Return the events of a request, and whether they came as a batch.

    One that is no CloudEvent is in a batch in its place, and by itself raised.

    Raises:
        NotACloudEvent: the request as a whole cannot be read.
        ModeNotKnown: it is in none of the three modes.
        TooManyEvents: send fewer at once.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == BATCH:
        return _batch(body), True
    if kind == STRUCTURED:
        return [_structured(_json(body))], False
    if "ce-specversion" not in headers and "ce-type" not in headers:
        raise ModeNotKnown
    if kind and not is_json(kind):
        raise ModeNotKnown
    return [_binary(headers, body)], False


def read_data(written: object, content_type: str | None) -> object:
    """Return what the data of an event says: an object or a list, or why it cannot be read.

    A text that is JSON itself is read as such, once: some senders encode twice.

    Args:
        written: the JSON value of `data`; None where there is none.
        content_type: its media type, as the sender says; JSON where they say nothing.
    """
    if content_type and not is_json(content_type):
        return DataNotReadable("Send this as JSON, and say so in the content type")
    said = _read_once(written) if isinstance(written, str) else written
    if isinstance(said, Mapping | list):
        return said
    if said is None:
        return DataNotReadable("This is missing: send what was found, as a JSON object")
    return DataNotReadable("This must be a JSON object")


def is_json(content_type: str) -> bool:
    """Return whether a media type is one of JSON; its parameters do not matter."""
    return _JSON.fullmatch(content_type.partition(";")[0].strip().lower()) is not None


def _read_once(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _batch(body: bytes) -> Sequence[InboundEvent | NotACloudEvent]:
    entries = _json(body)
    if not isinstance(entries, list):
        raise NotACloudEvent("A batch is a JSON array of events")
    if len(entries) > MOST_AT_ONCE:
        raise TooManyEvents
    return [_or_problem(entry) for entry in entries]


def _or_problem(entry: object) -> InboundEvent | NotACloudEvent:
    try:
        return _structured(entry)
    except NotACloudEvent as problem:
        return problem


def _structured(entry: object) -> InboundEvent:
    if not isinstance(entry, dict):
        raise NotACloudEvent("An event is a JSON object")
    written = {str(name): value for name, value in entry.items() if value is not None}
    if "data" in written and "data_base64" in written:
        raise NotACloudEvent("Send data or data_base64, not both")
    attributes = {name: _attribute(name, written[name]) for name in _READ if name in written}
    content_type = _text("datacontenttype", written["datacontenttype"]) if "datacontenttype" in written else None
    event = JSONFormat().read(_Sent, orjson.dumps(attributes))
    return _inbound(event, _data(written, content_type))


def _binary(headers: Mapping[str, str], body: bytes) -> InboundEvent:
    read = {name: _attribute(name, _header(headers[f"ce-{name}"])) for name in _READ if f"ce-{name}" in headers}
    sent = {f"ce-{name}": quote(value, safe="") for name, value in read.items()}
    event = http.from_binary(http.HTTPMessage(sent, b""), JSONFormat(), _Sent)
    return _inbound(event, _of_bytes(body, "The body") if body else read_data(None, None))


class _Sent(CloudEvent):
    """An event as it was sent: the SDK's class makes up an id, a version and a time where one is missing."""

    def __init__(self, attributes: dict[str, object], data: dict[str, object] | str | bytes | None = None) -> None:
        missing = [name for name in _NEEDED if not attributes.get(name)]
        if missing:
            raise NotACloudEvent(f"Say {', '.join(missing)}")
        if attributes["specversion"] != SPECVERSION:
            raise NotACloudEvent(f"specversion must be {SPECVERSION}")
        self._has_time = attributes.get("time") is not None
        super().__init__({name: value for name, value in attributes.items() if value != ""}, data)

    def get_time(self) -> datetime | None:
        return super().get_time() if self._has_time else None


def _inbound(event: BaseCloudEvent, data: object) -> InboundEvent:
    return InboundEvent(
        id=event.get_id(),
        source=event.get_source(),
        type=event.get_type(),
        subject=event.get_subject(),
        time=time_or_none(event.get_time()),
        data=data,
    )


def _data(written: Mapping[str, object], content_type: str | None) -> object:
    """Return the data. The SDK would pass over what is not base64 in `data_base64`."""
    if "data_base64" not in written:
        return read_data(written.get("data"), content_type)
    try:
        decoded = base64.b64decode(str(written["data_base64"]), validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise NotACloudEvent("data_base64 must be base64 as in RFC 4648 §4, without line ends") from None
    return read_data(None, content_type) if not decoded else _of_bytes(decoded, "data_base64", content_type)


def _of_bytes(body: bytes, name: str, content_type: str | None = None) -> object:
    if content_type and not is_json(content_type):
        return read_data(None, content_type)
    try:
        return read_data(_json(body), content_type)
    except NotACloudEvent:
        return DataNotReadable(f"{name} must be JSON in UTF-8")


def _header(value: str) -> str:
    """Return what a header says: without its quotation marks, then percent-decoded once (§3.1.3.2).

    The SDK would keep the marks, and put U+FFFD for what is not UTF-8.
    """
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise NotACloudEvent("A ce- header begins with a quotation mark that does not end")
        value = _ESCAPED.sub(r"\1", quoted[1])
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise NotACloudEvent("A ce- header is not percent-encoded UTF-8") from None


def _attribute(name: str, value: object) -> str:
    """Return an attribute as the SDK is to have it. It would take other times than those of RFC 3339."""
    text = _text(name, value)
    if name != "time":
        return text
    try:
        return parse_moment(text).isoformat()
    except InvalidMoment:
        raise NotACloudEvent("time must be as in RFC 3339, with its offset") from None


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not is_attribute(value):
        raise NotACloudEvent(f"{name} must be text of at most {LONGEST_ATTRIBUTE} characters, without control ones")
    return value


def _json(body: bytes) -> object:
    """Return what a body holds. The SDK would take NaN, half a surrogate pair, and broken JSON for a text."""
    try:
        return orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        raise NotACloudEvent("The body is not JSON in UTF-8, or is nested too deep") from None
