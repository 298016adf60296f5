"""Times of others are read as RFC 3339 writes them, and in no other way."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import InvalidMoment, parse_moment

HALF_PAST = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05T09:30:00Z", HALF_PAST),
        ("2026-01-05t09:30:00z", HALF_PAST),
        ("2026-01-05T09:30:00-00:00", HALF_PAST),
        ("2026-01-05T15:00:00+05:30", HALF_PAST),
        ("2026-01-04T09:31:00-23:59", HALF_PAST),
        ("2026-01-05T09:30:00.5Z", HALF_PAST + timedelta(milliseconds=500)),
        ("2026-01-05T09:30:00.123456789012Z", HALF_PAST + timedelta(microseconds=123456)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("1990-12-31T15:59:60.25-08:00", datetime(1990, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_every_spelling_of_the_standard_is_read(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1735689600",
        "2026-01-05",
        "2026-W02-1T09:30:00Z",
        "2026-005T09:30:00Z",
        "20260105T093000Z",
        "2026-01-05 09:30:00Z",
        "2026-01-05T09:30Z",
        "2026-01-05T09:30:00",
        "2026-01-05T09:30:00+0100",
        "2026-01-05T09:30:00+24:00",
        "2026-01-05T09:30:00,5Z",
        "2026-01-05T09:30:00.Z",
        "2026-01-05T24:00:00Z",
        "2026-02-30T09:30:00Z",
        "2026-01-05T09:30:60Z",
        "2016-12-31T23:59:60+01:00",
        "2016-12-30T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:60Z",
        "2026-01-05T09:30:00Z\n",
        "٢٠٢٦-01-05T09:30:00Z",
    ],
)
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(InvalidMoment):
        parse_moment(text)


OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS))  # noqa: DTZ001 - bounds have none
def test_what_we_write_is_read(moment: datetime) -> None:
    assert parse_moment(moment.isoformat()) == moment


@given(st.text(st.sampled_from("0123456789-:+.TZtzW ")))
def test_any_text_is_a_time_with_an_offset_or_is_refused(text: str) -> None:
    try:
        assert parse_moment(text).astimezone(UTC)
    except InvalidMoment:
        return
