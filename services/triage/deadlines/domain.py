"""Clocks and working time (design: domain, section 3): what a priority promises, and when that is. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.events.vocabulary import DeadlineKind, Priority

UK = ZoneInfo("Europe/London")
AT_RISK_SHARE = 0.75
"""A clock is at risk once this share of it has run."""
BREACH_TO_BE_TOLD = timedelta(hours=72)
"""How soon the regulator is told of a breach of personal data, from being aware of it: UK GDPR, article 33."""
_LOOK_AHEAD_DAYS = 400


class Calendar(Protocol):
    """Counts the time that a clock runs."""

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """Return when `duration` of running time after `start` has passed, in UTC."""
        ...

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the running time from `start` to `end`; zero where `end` is not later."""
        ...


@dataclass(frozen=True, slots=True)
class RoundTheClock:
    """For teams that are staffed day and night."""

    def add(self, start: datetime, duration: timedelta) -> datetime:
        return start.astimezone(UTC) + duration

    def between(self, start: datetime, end: datetime) -> timedelta:
        return max(end.astimezone(UTC) - start.astimezone(UTC), timedelta(0))  # within a zone, Python subtracts walls


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Working time: hours in UK local time on working days, without bank holidays of England and Wales."""

    opens: time
    closes: time
    holidays: frozenset[date]
    every_day: bool = False
    """Whether weekends and bank holidays are working days too."""

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            message = "an office opens before it closes"
            raise ValueError(message)

    @property
    def day(self) -> timedelta:
        """The length of a working day."""
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)

    def open_at(self, moment: datetime) -> bool:
        """Return whether people are at work at `moment`."""
        opens, _ = next(self._open_from(moment))
        return opens <= moment

    def add(self, start: datetime, duration: timedelta) -> datetime:
        start, left = start.astimezone(UTC), duration  # within a zone, Python adds on the wall clock
        for opens, closes in self._open_from(start):
            begin = max(opens, start)
            if begin + left <= closes:
                return begin + left
            left -= closes - begin
        message = "no working time within a year"
        raise ValueError(message)

    def between(self, start: datetime, end: datetime) -> timedelta:
        start, end, total = start.astimezone(UTC), end.astimezone(UTC), timedelta(0)
        for opens, closes in self._open_from(start):
            if opens >= end:
                break
            total += min(closes, end) - max(opens, start)
        return total

    def _open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield opening and closing moments in UTC, from the first that has not closed before or at `start`."""
        first = start.astimezone(UK).date()
        for offset in range(_LOOK_AHEAD_DAYS):
            day = first + timedelta(days=offset)
            if not self._works_on(day):
                continue
            opens, closes = (_utc(day, at) for at in (self.opens, self.closes))
            if closes > start:
                yield opens, closes

    def _works_on(self, day: date) -> bool:
        return self.every_day or not (day.weekday() >= 5 or day in self.holidays)  # noqa: PLR2004 - Saturday and Sunday


@lru_cache(maxsize=4_096)  # a batch asks for the same few days again and again
def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, UK).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Promise:
    """What a priority asks of a team. The policy names no number: these are our choices."""

    respond: timedelta
    update: timedelta | None
    """How often there is news after the first response; None where nothing is promised."""
    always: bool
    """Whether the clock also runs at night for teams that are staffed round the clock."""


@lru_cache(maxsize=16)
def promises(working_day: timedelta) -> Mapping[Priority, Promise]:
    """Return the clock of each priority, given the length of a working day."""
    return {
        Priority.P1: Promise(timedelta(minutes=20), timedelta(hours=1), always=True),
        Priority.P2: Promise(timedelta(minutes=60), timedelta(hours=2), always=True),
        Priority.P3: Promise(timedelta(hours=2), None, always=False),
        Priority.P4: Promise(working_day, None, always=False),
    }


@dataclass(frozen=True, slots=True)
class Clock:
    """One running, paused or finished clock of a case."""

    kind: DeadlineKind
    started_at: datetime
    due_at: datetime
    at_risk_at: datetime
    round_the_clock: bool
    paused_at: datetime | None = None
    met_at: datetime | None = None
    at_risk_told_at: datetime | None = None
    missed_at: datetime | None = None

    @property
    def statutory(self) -> bool:
        """Whether the law runs it: it is neither paused nor met by finishing the case (Sc-b)."""
        return self.kind is DeadlineKind.PERSONAL_DATA_BREACH

    @property
    def running(self) -> bool:
        """Whether time counts against the team right now."""
        return self.paused_at is None and self.met_at is None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a queue needs of a case's clocks: the nearest that runs."""

    due_at: datetime | None = None
    at_risk_at: datetime | None = None
    look_at: datetime | None = None
    """When the next warning is due; None where there is none to give."""


def outlook(clocks: Iterable[Clock]) -> Outlook:
    """Return the outlook of a case with `clocks`."""
    running = [clock for clock in clocks if clock.running]
    nearest = min(running, key=lambda clock: clock.due_at, default=None)
    looks = [look for clock in running if (look := _next_look(clock))]
    if nearest is None:
        return Outlook()
    return Outlook(nearest.due_at, nearest.at_risk_at, min(looks, default=None))


def _next_look(clock: Clock) -> datetime | None:
    if clock.missed_at:
        return None
    return clock.due_at if clock.at_risk_told_at else min(clock.at_risk_at, clock.due_at)


class DeadlineWarning(StrEnum):
    """What the sweep tells of a clock, once each."""

    AT_RISK = "at_risk"
    MISSED = "missed"


def warn(clock: Clock, now: datetime) -> tuple[Clock, DeadlineWarning | None]:
    """Return the warning that is due, and the clock with it noted. A missed clock is not at risk any more."""
    if not clock.running or clock.missed_at:
        return clock, None
    if clock.due_at <= now:
        return replace(clock, missed_at=now, at_risk_told_at=clock.at_risk_told_at or now), DeadlineWarning.MISSED
    if clock.at_risk_at <= now and clock.at_risk_told_at is None:
        return replace(clock, at_risk_told_at=now), DeadlineWarning.AT_RISK
    return clock, None


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """Starts, pauses and resumes clocks.

    Args:
        office: working time; clocks of teams that are staffed round the clock may run outside it.
    """

    office: OfficeHours

    def respond(self, priority: Priority, start: datetime, *, staffed_24_7: bool) -> Clock:
        """Start the clock for the first response."""
        promise = promises(self.office.day)[priority]
        always = promise.always and staffed_24_7
        return self._start(DeadlineKind.RESPOND, start, promise.respond, always=always)

    def update(self, priority: Priority, start: datetime, *, staffed_24_7: bool) -> Clock | None:
        """Start the clock for the next news; None where the priority promises none."""
        promise = promises(self.office.day)[priority]
        if promise.update is None:
            return None
        return self._start(DeadlineKind.UPDATE, start, promise.update, always=promise.always and staffed_24_7)

    def breach(self, aware_at: datetime) -> Clock:
        """Start the clock of a breach of personal data: hours of the calendar, whoever is at work (Sc-b)."""
        return self._start(DeadlineKind.PERSONAL_DATA_BREACH, aware_at, BREACH_TO_BE_TOLD, always=True)

    def pause(self, clock: Clock, now: datetime) -> Clock:
        """Stop counting, while the team waits for information; a statutory clock never stops."""
        return replace(clock, paused_at=now) if clock.running and not clock.statutory else clock

    def resume(self, clock: Clock, now: datetime) -> Clock:
        """Count on: what was left when the clock was paused is what is left now."""
        if clock.paused_at is None:
            return clock
        calendar = self.calendar(always=clock.round_the_clock)
        due_left = calendar.between(clock.paused_at, clock.due_at)
        risk_left = calendar.between(clock.paused_at, clock.at_risk_at)
        missed = clock.due_at <= clock.paused_at
        return replace(
            clock,
            paused_at=None,
            due_at=clock.due_at if missed else calendar.add(now, due_left),
            at_risk_at=clock.at_risk_at if clock.at_risk_at <= clock.paused_at else calendar.add(now, risk_left),
        )

    def calendar(self, *, always: bool) -> Calendar:
        """Return the calendar by which a clock runs."""
        return RoundTheClock() if always else self.office

    def _start(self, kind: DeadlineKind, start: datetime, duration: timedelta, *, always: bool) -> Clock:
        calendar = self.calendar(always=always)
        return Clock(
            kind=kind,
            started_at=start,
            due_at=calendar.add(start, duration),
            at_risk_at=calendar.add(start, duration * AT_RISK_SHARE),
            round_the_clock=always,
        )
