"""The people, days and periods of every capability of the registry. Pure."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.events.platforms import InvalidHandle
from shared.ids import folded_id

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Days outside these are typing errors."""

_UK = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: the field it is about, and what to do."""

    field: str
    message: str


class Refused(Exception):
    """The request breaks rules of the register; `faults` lists them."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(", ".join(sorted({fault.field for fault in faults})))
        self.faults = faults


def unreadable_handle(why: InvalidHandle) -> str:
    """Return what to enter instead of a text that is no handle of the chosen platform, and why it is none."""
    return f"Enter a handle, or the address of a profile, of that platform: {why}"


def uk_day(now: datetime) -> date:
    """Return the UK day of `now`."""
    return now.astimezone(_UK).date()


def end_of(day: date) -> datetime:
    """Return the moment at which a UK day ends: what is valid on that day is valid before this moment."""
    return datetime.combine(day + timedelta(days=1), time(), _UK).astimezone(UTC)


def months_later(day: date, months: int) -> date:
    """Return the same day some months later, or the last day of a shorter month (29 February, 31 January)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Periods:
    """How long things last, in months, from the settings."""

    training_months: int
    review_months: int


def same_person(one: str | None, other: str | None) -> bool:
    """Return whether two staff ids name the same person, however they were typed."""
    return one is not None and other is not None and folded_id(one) == folded_id(other)
