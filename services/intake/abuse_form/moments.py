"""A date and perhaps a time, as people type them, in UK time."""

import re
from datetime import UTC, datetime

from services.intake.drafts.domain import Answers
from shared.web.times import UK

DAY, MONTH, YEAR, TIME = "occurred_at-day", "occurred_at-month", "occurred_at-year", "occurred_time"
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_TIME = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))? ?(?P<half>am|pm)?")
_NOON = 12


class Unreadable(Exception):
    """What was typed is no date or no time; says which field and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field)
        self.field = field
        self.message = message


def moment_of(answers: Answers) -> datetime | None:
    """Return when it happened, in UTC; the beginning of the day without a time, None where all is left empty.

    Raises:
        Unreadable: what was typed is no date or no time.
    """
    parts = {name: " ".join(answers.get(name, ())) for name in (DAY, MONTH, YEAR)}
    if not any((*parts.values(), *answers.get(TIME, ()))):
        return None
    for name, text in parts.items():
        if not text:
            part = name.rpartition("-")[2]
            raise Unreadable(name, f"When it happened must include a {part}")
    hour, minute = _clock_time(" ".join(answers.get(TIME, ())))
    try:
        local = datetime(int(parts[YEAR]), _month(parts[MONTH]), int(parts[DAY]), hour, minute, tzinfo=UK)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(DAY, "When it happened must be a real date, for example 27 3 2026") from None


def _month(text: str) -> int:
    name = text[:3].lower()
    return _MONTHS.index(name) + 1 if name in _MONTHS else int(text)


def _clock_time(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    match = _TIME.fullmatch(text.lower())
    if match is None:
        raise Unreadable(TIME, "Enter a time like 2:30pm or 14:30, or leave it empty")
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if match["half"]:
        valid = 1 <= hour <= _NOON
        hour = hour % _NOON + (_NOON if match["half"] == "pm" else 0)
    else:
        valid = match["minute"] is not None
    if not valid or hour > 23 or minute > 59:  # noqa: PLR2004 - a clock
        raise Unreadable(TIME, "Enter a time like 2:30pm or 14:30, or leave it empty")
    return hour, minute
