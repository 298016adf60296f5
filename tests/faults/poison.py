"""Malformed records, each with its dead-letter class, among good ones."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

from shared.clock import SystemClock
from shared.events import codec, topics
from shared.events.intake import AbuseReportSubmitted
from shared.ids import RandomIds
from shared.messaging.log import Headers, Record

_EXAMPLE = Path(codec.__file__).parent / "golden" / f"{AbuseReportSubmitted.TYPE}.example.json"
_TOPIC = topics.ABUSE_REPORTS.name
_DEEP = 20_000

Bad = Callable[[bytes], tuple[bytes, Mapping[str, bytes]]]
"""Turns a good value into a bad one, and returns the headers that change."""


def _renamed(**headers: bytes) -> Bad:
    return lambda value: (value, headers)


def _value(change: Callable[[bytes], bytes]) -> Bad:
    return lambda value: (change(value), {})


KINDS: Mapping[str, tuple[Bad, str]] = {
    "truncated": (_value(lambda value: value[: len(value) // 2]), "InvalidJson"),
    "oversized": (_value(lambda value: value[:-1] + b" " * codec.MAX_VALUE_BYTES + b"}"), "TooLarge"),
    "wrongly typed": (_value(lambda value: value.replace(b'"urls":[', b'"urls":[7,')), "InvalidData"),
    "wrong version": (_renamed(ce_type=b"abuse_report.submitted.v99"), "UnknownVersion"),
    "header-less": (_renamed(ce_type=b"", ce_source=b""), "MissingHeaders"),
    "not UTF-8": (_value(lambda value: value[:-1] + b',"more":"\xff\xfe"}'), "NotUtf8"),
    "deeply nested": (
        _value(lambda value: value[:-1] + b',"more":' + b"[" * _DEEP + b"]" * _DEEP + b"}"),
        "NestedTooDeep",
    ),
    "U+0000": (_value(lambda value: value[:-1] + b',"more":"\\u0000"}'), "ContainsNul"),
    "more after the end": (_value(lambda value: value + b"}"), "InvalidJson"),
    "not an object": (_value(lambda _value: b'["a list"]'), "InvalidData"),
    "somebody else's": (_renamed(ce_source=b"/signpost/registry"), "UntrustedSource"),
    "no sequence": (_renamed(ce_sequence=b"-1"), "InvalidAttribute"),
}


def good(report_id: UUID) -> Record:
    """Return the event of an abuse report that every reader can read."""
    return _record(report_id, _good_value(report_id), {})


def bad(kind: str) -> Record:
    """Return a record that no reader can read."""
    report_id = uuid4()
    value, headers = KINDS[kind][0](_good_value(report_id))
    return _record(report_id, value, headers)


def one_in_a_hundred(rounds: int) -> Iterator[tuple[Record, UUID | None]]:
    """Yield each kind `rounds` times, each among 99 good records; a good one comes with its report's id."""
    for kind in list(KINDS) * rounds:
        for _ in range(99):
            report_id = uuid4()
            yield good(report_id), report_id
        yield bad(kind), None


def _good_value(report_id: UUID) -> bytes:
    example = json.loads(_EXAMPLE.read_text())
    now = SystemClock().now().isoformat()
    told = example | {"report_id": str(report_id), "reference": RandomIds().reference(), "submitted_at": now}
    return json.dumps(told, separators=(",", ":")).encode()


def _record(report_id: UUID, value: bytes, headers: Mapping[str, bytes]) -> Record:
    usual: Headers = codec.headers_of(
        AbuseReportSubmitted.TYPE,
        event_id=str(uuid4()),
        source=codec.source_of("intake"),
        subject=str(report_id),
        sequence=1,
        time=SystemClock().now(),
        traceparent=None,
    )
    others = tuple((name, headers.get(name, text)) for name, text in usual)
    return Record(_TOPIC, str(report_id).encode(), value, tuple((name, text) for name, text in others if text))
