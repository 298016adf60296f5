"""A date and perhaps a time, as people type them, in UK time."""

import re
from datetime import UTC, date, datetime

from services.intake.drafts.domain import Answers
from services.intake.questions.domain import day_fields, time_field
from shared.web.times import UK

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_TIME = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))? ?(?P<half>am|pm)?")
_NOON = 12
_WHAT = {"occurred_at": "When it happened", "discovered_at": "When it was discovered"}


class Unreadable(Exception):
    """What was typed is no date or no time; says which field and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field)
        self.field = field
        self.message = message


def moment_of(answers: Answers, name: str) -> datetime | None:
    """Return the moment `name`, in UTC; the beginning of the day without a time, None where all is left empty.

    Raises:
        Unreadable: what was typed is no date or no time.
    """
    time = time_field(name)
    if not any(answers.get(field) for field in (*day_fields(name), time)):
        return None
    year, month, day = _parts(answers, name)
    hour, minute = _clock_time(time, " ".join(answers.get(time, ())))
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UK).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_date(name) from None


def day_of(answers: Answers, name: str) -> date | None:
    """Return the day `name`; None where all is left empty.

    Raises:
        Unreadable: what was typed is no date.
    """
    if not any(answers.get(field) for field in day_fields(name)):
        return None
    try:
        return date(*_parts(answers, name))
    except (ValueError, OverflowError):
        raise _no_date(name) from None


def has_time(answers: Answers, name: str) -> bool:
    """Say whether a time was given beside the day."""
    return bool(answers.get(time_field(name)))


def _parts(answers: Answers, name: str) -> tuple[int, int, int]:
    parts = {field: " ".join(answers.get(field, ())) for field in day_fields(name)}
    for field, text in parts.items():
        if not text:
            raise Unreadable(field, f"{_words(name)} must include a {field.rpartition('-')[2]}")
    day, month, year = parts.values()
    try:
        return int(year), _month(month), int(day)
    except ValueError:
        raise _no_date(name) from None


def _no_date(name: str) -> Unreadable:
    return Unreadable(day_fields(name)[0], f"{_words(name)} must be a real date, for example 27 3 2026")


def _words(name: str) -> str:
    return _WHAT.get(name, "The day")


def _month(text: str) -> int:
    name = text[:3].lower()
    return _MONTHS.index(name) + 1 if name in _MONTHS else int(text)


def _clock_time(field: str, text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    match = _TIME.fullmatch(text.lower())
    if match is None:
        raise _no_time(field)
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if match["half"]:
        valid = 1 <= hour <= _NOON
        hour = hour % _NOON + (_NOON if match["half"] == "pm" else 0)
    else:
        valid = match["minute"] is not None
    if not valid or hour > 23 or minute > 59:  # noqa: PLR2004 - a clock
        raise _no_time(field)
    return hour, minute


def _no_time(field: str) -> Unreadable:
    return Unreadable(field, "Enter a time like 2:30pm or 14:30, or leave it empty")
