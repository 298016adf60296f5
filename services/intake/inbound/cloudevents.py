"""CloudEvents 1.0 over HTTP: binary, structured and batch mode (HTTP protocol binding §3)."""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import unquote_to_bytes

import orjson

from services.intake.inbound.domain import InboundEvent

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_AT_ONCE = 100
_LONGEST = 500
_JSON = re.compile(r"(application|text)/([\w.+-]+\+)?json")
_NEEDED = ("specversion", "id", "source", "type")


class NotACloudEvent(Exception):
    """The body or the headers are no CloudEvent; says what to correct, in our words."""


class ModeNotKnown(Exception):
    """The content type is none of CloudEvents', and nothing says `ce-`."""


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
    attributes = {name: _text(name, written[name]) for name in (*_NEEDED, "subject", "time") if name in written}
    return _event(attributes, _data(written))


def _data(written: Mapping[str, object]) -> object:
    if "data_base64" not in written:
        return written.get("data")
    try:
        return _json(base64.b64decode(str(written["data_base64"]), validate=True))
    except ValueError:  # not base64, or not even ASCII
        raise NotACloudEvent("data_base64 is not base64") from None


def _binary(headers: Mapping[str, str], body: bytes) -> InboundEvent:
    names = (*_NEEDED, "subject", "time")
    attributes = {name: _text(name, _decoded(headers[f"ce-{name}"])) for name in names if f"ce-{name}" in headers}
    return _event(attributes, _json(body) if body else None)


def _decoded(value: str) -> str:
    """Undo the percent-encoding of a header (§3.1.3.2)."""
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise NotACloudEvent("A ce- header is not percent-encoded UTF-8") from None


def _event(attributes: Mapping[str, str], data: object) -> InboundEvent:
    missing = [name for name in _NEEDED if not attributes.get(name)]
    if missing:
        raise NotACloudEvent(f"Say {', '.join(missing)}")
    if attributes["specversion"] != "1.0":
        raise NotACloudEvent("specversion must be 1.0")
    return InboundEvent(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        subject=attributes.get("subject"),
        time=_time(attributes.get("time")),
        data=data,
    )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise NotACloudEvent("time must be as in RFC 3339, with its offset")
    return time


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        raise NotACloudEvent(f"{name} must be text of at most {_LONGEST} characters without control characters")
    return value


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotACloudEvent("The body is not JSON in UTF-8, or is nested too deep") from None
