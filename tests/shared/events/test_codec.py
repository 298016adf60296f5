"""Bytes become an event, or an error whose class says why and whose text repeats nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import codec
from shared.events.codec import Unreadable
from shared.events.envelope import Event
from shared.messaging.log import Record


class Said(Event):
    """An event for tests."""

    TYPE: ClassVar[str] = "thing.said.v1"
    TOPICS: ClassVar[tuple[str, ...]] = ("things",)

    words: str
    number: int | None = None


NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
SECRET = "what somebody wrote"


def record(value: bytes | None = b"{}", **headers: bytes) -> Record:
    known = {"ce_id": b"1", "ce_source": b"/signpost/intake", "ce_type": b"thing.said.v1", "ce_specversion": b"1.0"}
    return Record("things", b"key", value, tuple((known | headers).items()))


def structured(**attributes: object) -> Record:
    document = {"specversion": "1.0", "id": "1", "source": "/a", "type": "thing.said.v1"} | attributes
    return Record("things", None, json.dumps(document).encode(), (("content-type", b"application/cloudevents+json"),))


def test_what_is_written_is_read() -> None:
    headers = codec.headers_of(
        Said.TYPE,
        event_id="e-1",
        source="/signpost/intake",
        subject="s-1",
        sequence=7,
        time=NOW,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    message = codec.parse(Record("things", b"key", b"{}", headers))
    assert message == codec.Message(
        id="e-1",
        source="/signpost/intake",
        type=Said.TYPE,
        subject="s-1",
        sequence=7,
        time=NOW,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        data=b"{}",
        datacontenttype="application/json",
    )


def test_structured_mode_says_the_same() -> None:
    message = codec.parse(structured(subject="s", sequence="7", time="2026-01-05T10:30:00+01:00", data={"words": "é"}))
    assert (message.subject, message.sequence, message.time) == ("s", 7, NOW)
    assert codec.read(message.data or b"", Said).words == "é"


def test_what_editors_and_clients_add_does_not_make_an_event_unreadable() -> None:
    plain = structured(time="2026-01-05t09:30:00z", number=7, data={"words": "a"})
    marked = Record("things", None, codec.BYTE_ORDER_MARK + (plain.value or b""), plain.headers)
    assert codec.parse(marked) == codec.parse(plain)
    assert codec.parse(plain).time == NOW


def test_a_tombstone_has_attributes_and_no_data() -> None:
    assert codec.parse(record(None)).data is None


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Record("things", b"k", b"{}"), codec.MissingHeaders),
        (record(ce_type=b""), codec.MissingHeaders),
        (record(ce_source=b""), codec.MissingHeaders),
        (record(ce_subject=b"\xff"), codec.InvalidAttribute),
        (record(ce_subject=b"a\x00b"), codec.InvalidAttribute),
        (record(ce_subject=b"x" * 501), codec.InvalidAttribute),
        (record(ce_sequence=b"0"), codec.InvalidAttribute),
        (record(ce_sequence=b"-1"), codec.InvalidAttribute),
        (record(ce_sequence=b"9" * 30), codec.InvalidAttribute),
        (record(ce_sequence="²".encode()), codec.InvalidAttribute),
        (record(ce_time=b"yesterday"), codec.InvalidAttribute),
        (record(ce_time=b"2026-01-05T09:30:00"), codec.InvalidAttribute),
        (record(ce_time=b"2026-W02-1T09:30:00Z"), codec.InvalidAttribute),
        (record(ce_specversion=b""), codec.MissingHeaders),
        (record(ce_specversion=b"0.3"), codec.InvalidAttribute),
        (record(b"x" * (codec.MAX_VALUE_BYTES + 1)), codec.TooLarge),
        (structured(type=None), codec.MissingHeaders),
        (structured(subject="a\x00b"), codec.InvalidAttribute),
        (structured(subject="a\ufdd0b"), codec.InvalidAttribute),
        (structured(id=1), codec.InvalidAttribute),
        (structured(data={}, data_base64="e30="), codec.InvalidData),
        (Record("things", None, b"[]", (("content-type", b"application/cloudevents+json"),)), codec.InvalidJson),
        (Record("things", None, b"{", (("content-type", b"application/cloudevents+json"),)), codec.InvalidJson),
        (Record("things", None, b"\xff", (("content-type", b"application/cloudevents+json"),)), codec.NotUtf8),
    ],
)
def test_broken_attributes_have_a_reason(broken: Record, reason: type[Unreadable]) -> None:
    with pytest.raises(reason):
        codec.parse(broken)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", codec.InvalidJson),
        (b'{"words": "truncat', codec.InvalidJson),
        (b'{"words": "\xc3\x28"}', codec.NotUtf8),
        (b'{"words": "a\\u0000b"}', codec.ContainsNul),
        (b'{"words": "a", "x": {"\\u0000": 1}}', codec.ContainsNul),
        (b'{"words": "a", "x": [["\\u0000"]]}', codec.ContainsNul),
        (b'{"words": "a", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", codec.NestedTooDeep),
        (b"[" * 100_000, codec.NestedTooDeep),
        (b"{}", codec.InvalidData),
        (b'{"words": 7}', codec.InvalidData),
        (b'"a text"', codec.InvalidData),
    ],
)
def test_broken_values_have_a_reason(value: bytes, reason: type[Unreadable]) -> None:
    with pytest.raises(reason):
        codec.read(value, Said)


def test_a_typed_backslash_is_not_the_character() -> None:
    assert codec.read(json.dumps({"words": "\\u0000"}).encode(), Said).words == "\\u0000"


def test_an_error_says_nothing_of_the_record() -> None:
    with pytest.raises(codec.InvalidData) as caught:
        codec.read(json.dumps({"words": "a", "number": SECRET}).encode(), Said)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__ or error.__context__


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_reason(value: bytes) -> None:
    try:
        codec.read(value, Said)
    except Unreadable:
        return


@given(
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_sequence", "content-type"]), st.binary()))
)
def test_any_headers_are_a_message_or_a_reason(headers: list[tuple[str, bytes]]) -> None:
    source = ("ce_source", b"/signpost/intake")
    try:
        codec.parse(Record("things", None, b"{}", (*headers, source)))
    except Unreadable:
        return


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(words: str) -> None:
    assert codec.read(Said(words=words).model_dump_json().encode(), Said).words == words


@pytest.mark.parametrize(
    ("event_type", "other_version"),
    [("thing.said.v2", True), ("thing.said.v1", False), ("thing.heard.v2", False), ("thing.said", False)],
)
def test_another_version_of_a_known_type_is_told_from_another_type(event_type: str, other_version: bool) -> None:
    assert codec.is_other_version(event_type, frozenset({"thing.said.v1"})) is other_version


def test_times_keep_their_instant() -> None:
    written = NOW + timedelta(microseconds=1)
    assert codec.parse(record(ce_time=written.isoformat().encode())).time == written
