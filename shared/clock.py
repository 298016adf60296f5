"""The only place that reads the time, and the one reader of times that others write.

All other code gets `now` as an argument.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:(?P<second>[0-9]{2})(\.[0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_LEAP = "60"


class Clock(Protocol):
    """Gives the time as an aware UTC `datetime`."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class InvalidMoment(ValueError):
    """The text is not a time in RFC 3339, or one that no clock shows. The message does not repeat it."""


def parse_moment(text: str) -> datetime:
    """Return the time that `text` is in RFC 3339 §5.6: with its offset, in capital or small letters.

    A leap second is the last moment before it, because `datetime` has no 61st second. It is one only at the end of a
    month in UTC. Digits of the second after the sixth are cut off.

    Raises:
        InvalidMoment: it is none.
    """
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise InvalidMoment
    try:
        if found["second"] == _LEAP:
            return _leap_second(text, found)
        moment = datetime.fromisoformat(text.upper())
        moment.astimezone(UTC)  # not every local time of the years 1 and 9999 is one in UTC
    except (ValueError, OverflowError):
        raise InvalidMoment from None
    return moment


def _leap_second(text: str, found: re.Match[str]) -> datetime:
    start, end = found.span("second")
    before = datetime.fromisoformat(f"{text[:start]}59.999999{text[found.end(2) if found[2] else end :]}".upper())
    after = before.astimezone(UTC) + timedelta(microseconds=1)
    if (after.day, after.hour, after.minute) != (1, 0, 0):
        raise InvalidMoment
    return before
