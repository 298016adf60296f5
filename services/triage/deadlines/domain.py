"""Deadlines of cases and working time: what a priority promises, and when that is due. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.events.vocabulary import CaseState, DeadlineKind, Priority, Team

UK = ZoneInfo("Europe/London")
AT_RISK_SHARE = 0.75
"""A deadline is at risk once this share of its time has passed."""
REVIEW_DAYS = 5
"""Working days in which an outcome is looked at again, unless a setting says otherwise. Our choice."""
BREACH_TO_BE_TOLD = timedelta(hours=72)
"""How soon the regulator must be told of a breach of personal data once it is known: UK GDPR, article 33."""
_LOOK_AHEAD_DAYS = 400
ANSWERS = frozenset({DeadlineKind.RESPOND, DeadlineKind.TAKE_OVER})
"""What the first message, question, transfer or outcome meets: never a claim or a note (decision 0061)."""
_BY_PRIORITY = ANSWERS | {DeadlineKind.UPDATE}


class Calendar(Protocol):
    """Adds and measures the time that counts towards a deadline."""

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
        # in UTC, because within one zone Python subtracts wall-clock times
        return max(end.astimezone(UTC) - start.astimezone(UTC), timedelta(0))


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Working time: office hours in UK local time on working days, except bank holidays of England and Wales."""

    opens: time
    closes: time
    holidays: frozenset[date]
    every_day: bool = False
    """Whether weekends and bank holidays are working days too."""

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            message = "an office must open before it closes"
            raise ValueError(message)

    @property
    def day(self) -> timedelta:
        """The length of a working day."""
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)

    def open_at(self, moment: datetime) -> bool:
        """Return whether people are at work at `moment`."""
        return self.opens_after(moment) is None

    def opens_after(self, moment: datetime) -> datetime | None:
        """Return when people are next at work; None if they are at `moment`."""
        opens, _ = next(self._open_from(moment))
        return None if opens <= moment else opens

    def add(self, start: datetime, duration: timedelta) -> datetime:
        # in UTC, because within one zone Python adds to the wall-clock time
        start, left = start.astimezone(UTC), duration
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
        """Yield opening and closing times in UTC, from the first period that closes after `start`."""
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
    """What a priority asks of a team. The policy gives no numbers; these are our choice."""

    respond: timedelta
    update: timedelta | None
    """How often the reporter gets an update after the first response; None if none is promised."""
    always: bool
    """Whether time also counts at night for teams that are staffed day and night."""


@lru_cache(maxsize=16)
def promises(working_day: timedelta) -> Mapping[Priority, Promise]:
    """Return what each priority promises, given the length of a working day."""
    return {
        Priority.P1: Promise(timedelta(minutes=20), timedelta(hours=1), always=True),
        Priority.P2: Promise(timedelta(minutes=60), timedelta(hours=2), always=True),
        Priority.P3: Promise(timedelta(hours=2), None, always=False),
        Priority.P4: Promise(working_day, None, always=False),
    }


@dataclass(frozen=True)
class Deadline:
    """One deadline of a case: running, paused, met or missed."""

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
        """Whether the law sets it: it never pauses, and finishing the case does not meet it (Sc-b)."""
        return self.kind is DeadlineKind.PERSONAL_DATA_BREACH

    @property
    def outlasts_the_work(self) -> bool:
        """Whether finishing the case does not meet it: the law sets it, or it is about the outcome."""
        return self.statutory or self.kind is DeadlineKind.REVIEW

    @property
    def paused(self) -> bool:
        """Whether time does not count while the team waits for information."""
        return self.paused_at is not None

    @property
    def running(self) -> bool:
        """Whether time counts against the team right now."""
        return not self.paused and self.met_at is None


@dataclass(frozen=True)
class Outlook:
    """What a queue needs to know of a case's deadlines: the nearest running one."""

    due_at: datetime | None = None
    at_risk_at: datetime | None = None
    look_at: datetime | None = None
    """When the next warning is due; None if there is none."""


def outlook(deadlines: Iterable[Deadline]) -> Outlook:
    """Return the outlook of a case with `deadlines`."""
    running = [deadline for deadline in deadlines if deadline.running]
    if not running:
        return Outlook()
    nearest = min(running, key=lambda deadline: deadline.due_at)
    looks = (look for deadline in running if (look := _next_look(deadline)))
    return Outlook(nearest.due_at, nearest.at_risk_at, min(looks, default=None))


def _next_look(deadline: Deadline) -> datetime | None:
    if deadline.missed_at:
        return None
    return deadline.due_at if deadline.at_risk_told_at else min(deadline.at_risk_at, deadline.due_at)


class DeadlineWarning(StrEnum):
    """What the sweep announces about a deadline, once each."""

    AT_RISK = "at_risk"
    MISSED = "missed"


def warn(deadline: Deadline, now: datetime) -> tuple[Deadline, DeadlineWarning | None]:
    """Return the deadline with its due warning noted, and the warning. A missed deadline is no longer at risk."""
    if not deadline.running or deadline.missed_at:
        return deadline, None
    if deadline.due_at <= now:
        missed = replace(deadline, missed_at=now, at_risk_told_at=deadline.at_risk_told_at or now)
        return missed, DeadlineWarning.MISSED
    if deadline.at_risk_at <= now and deadline.at_risk_told_at is None:
        return replace(deadline, at_risk_told_at=now), DeadlineWarning.AT_RISK
    return deadline, None


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """Starts, pauses and resumes deadlines.

    Args:
        office: working time; for teams that are staffed day and night, time may count outside it too.
    """

    office: OfficeHours

    def respond(
        self,
        priority: Priority,
        start: datetime,
        *,
        staffed_24_7: bool,
        kind: DeadlineKind = DeadlineKind.RESPOND,
    ) -> Deadline:
        """Start the deadline for a first response; its kind is `TAKE_OVER` where the team takes the case over."""
        promise = promises(self.office.day)[priority]
        always = promise.always and staffed_24_7
        return self._start(kind, start, promise.respond, always=always)

    def update(self, priority: Priority, start: datetime, *, staffed_24_7: bool) -> Deadline | None:
        """Start the deadline for the next update to the reporter; None if the priority promises none."""
        promise = promises(self.office.day)[priority]
        if promise.update is None:
            return None
        return self._start(DeadlineKind.UPDATE, start, promise.update, always=promise.always and staffed_24_7)

    def breach(self, aware_at: datetime) -> Deadline:
        """Start the deadline of a breach of personal data: calendar hours, in and out of office hours (Sc-b)."""
        return self._start(DeadlineKind.PERSONAL_DATA_BREACH, aware_at, BREACH_TO_BE_TOLD, always=True)

    def review(self, asked_at: datetime, days: int) -> Deadline:
        """Start the deadline to look at an outcome again: working days of the team, whatever the priority."""
        return self._start(DeadlineKind.REVIEW, asked_at, days * self.office.day, always=False)

    def follows(
        self, deadline: Deadline, was: Priority, priority: Priority, now: datetime, *, staffed_24_7: bool
    ) -> Deadline:
        """Return a deadline as if its case had always had `priority`; time that it was paused still does not count.

        One that `priority` does not promise is met. Warnings that it now has time for are taken back.
        """
        of = partial(self._promised, deadline.kind, start=deadline.started_at, staffed_24_7=staffed_24_7)
        old, new = of(was), of(priority)
        if old is None or new is None:
            return met(deadline, now)
        calendar = self.calendar(always=new.round_the_clock)
        if paused := self.calendar(always=deadline.round_the_clock).between(old.due_at, deadline.due_at):
            at_risk_at = calendar.add(new.at_risk_at, paused)
            new = replace(new, due_at=calendar.add(new.due_at, paused), at_risk_at=at_risk_at)
        return replace(
            new,
            paused_at=deadline.paused_at,
            at_risk_told_at=deadline.at_risk_told_at if new.at_risk_at <= now else None,
            missed_at=deadline.missed_at if new.due_at <= now else None,
        )

    def _promised(
        self, kind: DeadlineKind, priority: Priority, *, start: datetime, staffed_24_7: bool
    ) -> Deadline | None:
        if kind is DeadlineKind.UPDATE:
            return self.update(priority, start, staffed_24_7=staffed_24_7)
        return self.respond(priority, start, staffed_24_7=staffed_24_7, kind=kind)

    def pause(self, deadline: Deadline, now: datetime) -> Deadline:
        """Stop counting, while the team waits for information; a statutory deadline is never paused."""
        return replace(deadline, paused_at=now) if deadline.running and not deadline.statutory else deadline

    def resume(self, deadline: Deadline, now: datetime) -> Deadline:
        """Resume: the time left is what was left at the pause."""
        if deadline.paused_at is None:
            return deadline
        calendar = self.calendar(always=deadline.round_the_clock)
        due_left = calendar.between(deadline.paused_at, deadline.due_at)
        risk_left = calendar.between(deadline.paused_at, deadline.at_risk_at)
        missed = deadline.due_at <= deadline.paused_at
        at_risk = deadline.at_risk_at <= deadline.paused_at
        return replace(
            deadline,
            paused_at=None,
            due_at=deadline.due_at if missed else calendar.add(now, due_left),
            at_risk_at=deadline.at_risk_at if at_risk else calendar.add(now, risk_left),
        )

    def calendar(self, *, always: bool) -> Calendar:
        """Return the calendar by which a deadline counts."""
        return RoundTheClock() if always else self.office

    def _start(self, kind: DeadlineKind, start: datetime, duration: timedelta, *, always: bool) -> Deadline:
        calendar = self.calendar(always=always)
        return Deadline(
            kind=kind,
            started_at=start,
            due_at=calendar.add(start, duration),
            at_risk_at=calendar.add(start, duration * AT_RISK_SHARE),
            round_the_clock=always,
        )


class Timed(Protocol):
    """What deadlines need to know about a case."""

    @property
    def team(self) -> Team: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def state(self) -> CaseState: ...
    @property
    def finished(self) -> bool: ...
    @property
    def submitted_at(self) -> datetime: ...
    @property
    def review_asked_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class DeadlinePolicy:
    """Which deadlines a case has, by its team's hours, its priority and what happens to it."""

    timekeeper: Timekeeper
    """For every team without hours of its own."""
    staffed_24_7: frozenset[Team]
    own_hours: Mapping[Team, Timekeeper] = field(default_factory=dict)
    review_days: int = REVIEW_DAYS

    def at_work(self, team: Team, moment: datetime) -> bool:
        """Return whether anyone in `team` is at work."""
        return team in self.staffed_24_7 or self._keeper(team).office.open_at(moment)

    def hours(self, team: Team, priority: Priority) -> OfficeHours | None:
        """Return the hours in which a team's time for a priority counts; None if it counts day and night."""
        office = self._keeper(team).office
        always = promises(office.day)[priority].always and team in self.staffed_24_7
        return None if always else office

    def respond(
        self, case: Timed, start: datetime | None = None, kind: DeadlineKind = DeadlineKind.RESPOND
    ) -> Deadline:
        """Start a new case's deadline from when the report was made, not from when it reached us.

        Args:
            case: the case.
            start: when a person asked for the case, if it was opened later, or transferred it.
            kind: `TAKE_OVER`, if it was transferred.
        """
        keeper, staffed = self._keeper(case.team), case.team in self.staffed_24_7
        return keeper.respond(case.priority, start or case.submitted_at, staffed_24_7=staffed, kind=kind)

    def breach(self, aware_at: datetime) -> Deadline:
        """Start the deadline of a breach of personal data."""
        return self.timekeeper.breach(aware_at)

    def review(self, team: Team, asked_at: datetime) -> Deadline:
        """Start the deadline to look at an outcome again, from when its reporter asked for that."""
        return self._keeper(team).review(asked_at, self.review_days)

    def after(
        self, before: Timed, after: Timed, deadlines: Sequence[Deadline], now: datetime, *, news: bool
    ) -> list[Deadline]:
        """Return the deadlines of a case after a transition.

        Args:
            before: the case.
            after: the case after the transition.
            deadlines: all of the case's deadlines.
            now: when the transition was made.
            news: whether the reporter learns something: the team has responded, and the next promised update counts
                from now.
        """
        deadlines = [self._paused_or_resumed(deadline, before, after, now) for deadline in deadlines]
        deadlines = self._with_review(before, after, deadlines, now)
        if after.finished:
            return [one if one.outlasts_the_work else met(one, now) for one in deadlines]
        if before.priority is not after.priority:
            deadlines = self._with_priority(before.priority, after, deadlines, now)
        transferred = before.team is not after.team
        if news or transferred:
            deadlines = [met(one, now) if one.kind in ANSWERS else one for one in deadlines]
        if transferred:
            deadlines = [one for one in deadlines if one.kind is not DeadlineKind.TAKE_OVER]
            deadlines.append(self.respond(after, now, kind=DeadlineKind.TAKE_OVER))
        return self._with_next_update(after, deadlines, now) if news or before.finished else deadlines

    def _with_priority(self, was: Priority, case: Timed, deadlines: list[Deadline], now: datetime) -> list[Deadline]:
        """Work the open deadlines out again; an update is promised now if the reporter had an answer."""
        keeper, staffed = self._keeper(case.team), case.team in self.staffed_24_7
        deadlines = [
            keeper.follows(one, was, case.priority, now, staffed_24_7=staffed)
            if one.met_at is None and one.kind in _BY_PRIORITY
            else one
            for one in deadlines
        ]
        unmet = {one.kind for one in deadlines if one.met_at is None}
        return deadlines if unmet & _BY_PRIORITY else self._with_next_update(case, deadlines, now)

    def _paused_or_resumed(self, deadline: Deadline, before: Timed, after: Timed, now: datetime) -> Deadline:
        waits = after.state is CaseState.AWAITING_INFORMATION
        waited = before.state is CaseState.AWAITING_INFORMATION
        if waits == waited:
            return deadline
        keeper = self._keeper(after.team)
        return keeper.pause(deadline, now) if waits else keeper.resume(deadline, now)

    def _with_review(self, before: Timed, after: Timed, deadlines: list[Deadline], now: datetime) -> list[Deadline]:
        """Start the deadline of a review when it is asked for; decided, or overtaken by new work, it is met."""
        if before.review_asked_at == after.review_asked_at:
            return deadlines
        if after.review_asked_at is None:
            return [met(one, now) if one.kind is DeadlineKind.REVIEW else one for one in deadlines]
        others = [one for one in deadlines if one.kind is not DeadlineKind.REVIEW]
        return [*others, self.review(after.team, after.review_asked_at)]

    def _with_next_update(self, case: Timed, deadlines: list[Deadline], now: datetime) -> list[Deadline]:
        keeper = self._keeper(case.team)
        update = keeper.update(case.priority, now, staffed_24_7=case.team in self.staffed_24_7)
        if update is None:
            return deadlines
        if case.state is CaseState.AWAITING_INFORMATION:
            update = keeper.pause(update, now)
        return [one for one in deadlines if one.kind is not DeadlineKind.UPDATE] + [update]

    def _keeper(self, team: Team) -> Timekeeper:
        return self.own_hours.get(team, self.timekeeper)


def met(deadline: Deadline, now: datetime) -> Deadline:
    """Return the deadline as met, unless it was met before."""
    return deadline if deadline.met_at else replace(deadline, met_at=now, paused_at=None)
