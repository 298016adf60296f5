"""CloudEvents 1.0 over HTTP: binary, structured and batch mode (HTTP protocol binding §3), read by the CloudEvents SDK.

The SDK reads the attributes. What it lets pass is refused here, and it knows no batches (decision 0036).
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import unquote_to_bytes

import orjson
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from services.intake.inbound.domain import InboundEvent

STRUCTURED = JSONFormat.CONTENT_TYPE
BATCH = "application/cloudevents-batch+json"
MOST_AT_ONCE = 100
_HOUR_24 = re.compile(r"[Tt ]24:")
"""The SDK takes it for the next day; RFC 3339 has hours from 00 to 23."""
_LONGEST = 500
_JSON = re.compile(r"(application|text)/([\w.+-]+\+)?json")
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
    if kind and not _JSON.fullmatch(kind):
        raise ModeNotKnown
    return [_binary(headers, body)], False


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
    attributes = {name: _text(name, written[name]) for name in _READ if name in written}
    try:
        event = JSONFormat().read(_Sent, orjson.dumps(attributes))
    except (ValueError, OverflowError):
        raise _no_time() from None
    return _inbound(event, _data(written))


def _binary(headers: Mapping[str, str], body: bytes) -> InboundEvent:
    sent = {f"ce-{name}": headers[f"ce-{name}"] for name in _READ if f"ce-{name}" in headers}
    for name, value in sent.items():
        _text(name.removeprefix("ce-"), _decoded(value))
    try:
        event = http.from_binary(http.HTTPMessage(sent, b""), JSONFormat(), _Sent)
    except (ValueError, OverflowError):
        raise _no_time() from None
    return _inbound(event, _json(body) if body else None)


class _Sent(CloudEvent):
    """An event as it was sent: the SDK's class makes up an id, a version and a time where one is missing."""

    def __init__(self, attributes: dict[str, object], data: dict[str, object] | str | bytes | None = None) -> None:
        missing = [name for name in _NEEDED if not attributes.get(name)]
        if missing:
            raise NotACloudEvent(f"Say {', '.join(missing)}")
        if attributes["specversion"] != "1.0":
            raise NotACloudEvent("specversion must be 1.0")
        time = attributes.get("time")
        if isinstance(time, datetime) and time.tzinfo is None:
            raise _no_time()
        self._has_time = time is not None
        super().__init__({name: value for name, value in attributes.items() if value != ""}, data)

    def get_time(self) -> datetime | None:
        return super().get_time() if self._has_time else None


def _inbound(event: BaseCloudEvent, data: object) -> InboundEvent:
    return InboundEvent(
        id=event.get_id(),
        source=event.get_source(),
        type=event.get_type(),
        subject=event.get_subject(),
        time=event.get_time(),
        data=data,
    )


def _data(written: Mapping[str, object]) -> object:
    """Return the data. The SDK would pass over what is not base64 in `data_base64`."""
    if "data_base64" not in written:
        return written.get("data")
    try:
        return _json(base64.b64decode(str(written["data_base64"]), validate=True))
    except ValueError:  # not base64, or not even ASCII
        raise NotACloudEvent("data_base64 is not base64") from None


def _decoded(value: str) -> str:
    """Undo the percent-encoding of a header (§3.1.3.2). The SDK would put U+FFFD for what is not UTF-8."""
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise NotACloudEvent("A ce- header is not percent-encoded UTF-8") from None


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        raise NotACloudEvent(f"{name} must be text of at most {_LONGEST} characters without control characters")
    if name == "time" and _HOUR_24.search(value):
        raise _no_time()
    return value


def _json(body: bytes) -> object:
    """Return what a body holds. The SDK would take NaN, half a surrogate pair, and broken JSON for a text."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotACloudEvent("The body is not JSON in UTF-8, or is nested too deep") from None


def _no_time() -> NotACloudEvent:
    return NotACloudEvent("time must be as in RFC 3339, with its offset")
