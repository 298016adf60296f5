"""Deadlines: what a priority promises, in working time, across clock changes, bank holidays and leap days."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.triage.cases.domain import Case
from services.triage.deadlines.domain import (
    Calendar,
    Deadline,
    DeadlinePolicy,
    DeadlineWarning,
    OfficeHours,
    RoundTheClock,
    Timekeeper,
    outlook,
    warn,
)
from services.triage.settings import TriageSettings
from shared.events.vocabulary import CaseState, DeadlineKind, Priority, Team
from tests.services.triage.builders import NOW, OFFICE
from tests.services.triage.cases.test_case_life import new_case

UK = ZoneInfo("Europe/London")
KEEPER = Timekeeper(OFFICE)
HOURS = timedelta(hours=1)
SETTINGS: dict[str, Any] = {
    "secret_key": "a secret that only tests have, no more",
    "verify_key_file": "key.pem",
    "triage_database_url": "postgresql+asyncpg:///triage",
}


def uk(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UK)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23T10:00", 2, "2026-11-23T12:00"),  # a Monday
        ("2026-11-23T16:00", 2, "2026-11-24T10:00"),  # overnight
        ("2026-11-23T15:00", 2, "2026-11-23T17:00"),  # until the last minute
        ("2026-11-27T16:30", 2, "2026-11-30T10:30"),  # over a weekend
        ("2026-11-28T12:00", 2, "2026-11-30T11:00"),  # opened on a Saturday
        ("2026-11-23T05:00", 2, "2026-11-23T11:00"),  # before the office opens
        ("2026-12-24T16:00", 2, "2026-12-29T10:00"),  # Christmas, a weekend and the substitute day
        ("2026-04-02T16:30", 1, "2026-04-07T09:30"),  # Good Friday to Easter Monday, after the clocks went forward
        ("2026-03-27T16:00", 2, "2026-03-30T10:00"),  # the clocks go forward on Sunday
        ("2026-10-23T16:00", 2, "2026-10-26T10:00"),  # the clocks go back on Sunday
        ("2028-02-28T16:00", 9, "2028-02-29T17:00"),  # a leap day is a working day
        ("2028-02-29T16:00", 2, "2028-03-01T10:00"),
        ("2026-05-01T16:00", 2, "2026-05-05T10:00"),  # the early May bank holiday of England and Wales
    ],
)
def test_working_time(start: str, hours: int, due: str) -> None:
    assert OFFICE.add(uk(start), hours * HOURS) == uk(due)
    assert OFFICE.between(uk(start), uk(due)) == hours * HOURS


def test_round_the_clock_time_is_elapsed_time_also_when_the_clocks_change() -> None:
    start = datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
    assert RoundTheClock().add(start, timedelta(minutes=20)) == datetime(2026, 3, 29, 1, 10, tzinfo=UTC)


NIGHT = OfficeHours(time(0), time(23, 59), frozenset(), every_day=True)


@pytest.mark.parametrize("calendar", [NIGHT, RoundTheClock()])
@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-10-25T00:30", "2026-10-25T01:30+00:00"),  # the second 01:30: the first is an hour earlier
        ("2026-03-29T00:30", "2026-03-29T02:30+00:00"),  # 03:30 local time
    ],
)
def test_two_hours_of_a_team_at_work_in_the_night_are_two_hours(calendar: Calendar, start: str, due: str) -> None:
    end = datetime.fromisoformat(due)
    assert calendar.add(uk(start), 2 * HOURS) == end
    assert calendar.between(uk(start), end.astimezone(UK)) == 2 * HOURS


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 6, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - a range


@given(MOMENTS, st.integers(1, 60 * 80))
def test_adding_and_measuring_working_time_agree(start: datetime, minutes: int) -> None:
    length = timedelta(minutes=minutes)
    due = OFFICE.add(start, length)
    assert OFFICE.between(start, due) == length
    assert OFFICE.opens <= due.astimezone(UK).time() <= OFFICE.closes
    assert due.astimezone(UK).weekday() < 5


@pytest.mark.parametrize(
    ("priority", "staffed", "due"),
    [
        (Priority.P1, True, "2026-11-28T20:20"),
        (Priority.P2, True, "2026-11-28T21:00"),
        (Priority.P1, False, "2026-11-30T09:20"),
        (Priority.P2, False, "2026-11-30T10:00"),
        (Priority.P3, True, "2026-11-30T11:00"),
        (Priority.P4, True, "2026-11-30T17:00"),
    ],
)
def test_urgent_clocks_run_at_night_only_where_the_team_is_staffed(priority: Priority, staffed: bool, due: str) -> None:
    saturday_evening = uk("2026-11-28T20:00")
    assert KEEPER.respond(priority, saturday_evening, staffed_24_7=staffed).due_at == uk(due)


def test_only_urgent_priorities_promise_updates() -> None:
    assert KEEPER.update(Priority.P3, NOW, staffed_24_7=True) is None
    hourly = KEEPER.update(Priority.P1, NOW, staffed_24_7=True)
    assert hourly
    assert (hourly.kind, hourly.due_at) == (DeadlineKind.UPDATE, NOW + HOURS)


def test_a_paused_clock_keeps_what_was_left() -> None:
    clock = KEEPER.respond(Priority.P3, NOW, staffed_24_7=False)
    paused = KEEPER.pause(clock, NOW + timedelta(minutes=30))
    assert not paused.running
    assert outlook([paused]).due_at is None
    friday_evening = uk("2026-11-27T16:30")
    assert KEEPER.resume(paused, friday_evening).due_at == uk("2026-11-30T10:00")


def test_a_clock_that_was_missed_stays_missed_when_it_goes_on() -> None:
    clock = KEEPER.respond(Priority.P3, NOW, staffed_24_7=False)
    late = KEEPER.resume(KEEPER.pause(clock, NOW + 3 * HOURS), NOW + 4 * HOURS)
    assert late.due_at == clock.due_at


def test_each_warning_is_given_once() -> None:
    clock = KEEPER.respond(Priority.P3, NOW, staffed_24_7=False)
    assert warn(clock, NOW + timedelta(minutes=89)) == (clock, None)
    at_risk, first = warn(clock, NOW + timedelta(minutes=90))
    assert first is DeadlineWarning.AT_RISK
    assert warn(at_risk, NOW + timedelta(minutes=91)) == (at_risk, None)
    missed, second = warn(at_risk, NOW + 2 * HOURS)
    assert second is DeadlineWarning.MISSED
    assert warn(missed, NOW + 3 * HOURS) == (missed, None)
    assert outlook([missed]).look_at is None


LATE = OfficeHours(time(7), time(23), OFFICE.holidays, every_day=True)
RULES = DeadlinePolicy(KEEPER, frozenset({Team.SIRT}), {Team.SMART: Timekeeper(LATE)})


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-23T23:59", "2026-11-24T09:00"),  # a minute before midnight: one minute of the next day is left
        ("2026-12-24T22:00", "2026-12-25T08:00"),  # Christmas Day is a day like any other
        ("2026-10-24T22:00", "2026-10-25T08:00"),  # the clocks go back in the night
        ("2026-03-28T22:00", "2026-03-29T08:00"),  # the clocks go forward in the night
        ("2028-02-28T22:00", "2028-02-29T08:00"),  # into 29 February
        ("2028-02-29T22:00", "2028-03-01T08:00"),
    ],
)
def test_a_team_with_hours_of_its_own_works_by_them(start: str, due: str) -> None:
    case = new_case(team=Team.SMART, priority=Priority.P3, submitted_at=uk(start))
    assert RULES.respond(case).due_at == uk(due)


@pytest.mark.parametrize(
    ("team", "moment", "at_work"),
    [
        (Team.SIRT, "2026-12-25T03:00", True),
        (Team.SMART, "2026-12-25T22:59", True),
        (Team.SMART, "2026-12-25T23:00", False),
        (Team.TRIAGE_DESK, "2026-11-23T09:00", True),
        (Team.TRIAGE_DESK, "2026-11-23T08:59", False),
        (Team.TRIAGE_DESK, "2026-11-23T17:00", False),
        (Team.TRIAGE_DESK, "2026-12-28T12:00", False),  # the substitute for Boxing Day
        (Team.TRIAGE_DESK, "2026-10-26T16:59", True),  # the clocks went back the day before
        (Team.TRIAGE_DESK, "2026-03-30T09:00", True),  # the clocks went forward the day before
    ],
)
def test_who_is_at_work_when(team: Team, moment: str, at_work: bool) -> None:
    assert RULES.at_work(team, uk(moment)) is at_work


@pytest.mark.policy("Sc-b")
@pytest.mark.parametrize(
    ("aware", "due"),
    [
        ("2026-11-27T23:59", "2026-11-30T23:59"),  # over a weekend
        ("2026-12-24T23:59", "2026-12-27T23:59"),  # over Christmas
        ("2026-10-24T12:00", "2026-10-27T11:00"),  # the clocks go back: 72 hours, not three days by the calendar
        ("2026-03-28T12:00", "2026-03-31T13:00"),  # the clocks go forward
        ("2028-02-28T10:00", "2028-03-02T10:00"),  # over 29 February
    ],
)
def test_the_clock_of_the_law_counts_hours_of_the_calendar(aware: str, due: str) -> None:
    clock = RULES.breach(uk(aware))
    assert clock.due_at == uk(due)
    assert KEEPER.pause(clock, uk(aware)) == clock


@pytest.mark.parametrize(
    "hours", ["smart=09:00", "nobody=09:00-17:00", "smart=17:00-09:00", "smart=9-17", "smart=09:00-17:00 weekly"]
)
def test_hours_that_make_no_sense_stop_the_start(hours: str) -> None:
    with pytest.raises(ValidationError):
        TriageSettings(**SETTINGS, triage_team_hours=(hours,))


def test_hours_are_read_by_team() -> None:
    read = TriageSettings(**SETTINGS, triage_team_hours=("smart=07:00-23:00 daily", "advice_centre = 08:00-18:00"))
    assert read.team_hours == {
        Team.SMART: (time(7), time(23), True),
        Team.ADVICE_CENTRE: (time(8), time(18), False),
    }


MINUTES = timedelta(minutes=1)
SMART_CASE = new_case(priority=Priority.P3)


def later(
    before: Case, clocks: Sequence[Deadline], minutes: int, *, news: bool = False, **changes: object
) -> tuple[Case, list[Deadline]]:
    """Return the case changed at that time, and its clocks."""
    case = replace(before, **changes)  # type: ignore[arg-type]  # replace checks the names
    return case, RULES.after(before, case, clocks, NOW + minutes * MINUTES, news=news)


def test_a_change_of_priority_counts_from_when_the_clock_started() -> None:
    respond = RULES.respond(SMART_CASE)
    urgent, [sooner] = later(SMART_CASE, [respond], 10, priority=Priority.P1)
    assert (sooner.started_at, sooner.due_at, sooner.at_risk_at) == (NOW, NOW + 20 * MINUTES, NOW + 15 * MINUTES)
    _, [back] = later(urgent, [sooner], 12, priority=Priority.P3)
    assert back == respond
    _, [already_late] = later(SMART_CASE, [respond], 60, priority=Priority.P1)
    assert warn(already_late, NOW + HOURS)[1] is DeadlineWarning.MISSED


def test_a_warning_is_taken_back_where_a_lower_priority_gives_time_again() -> None:
    missed, _ = warn(RULES.respond(SMART_CASE), NOW + 2 * HOURS)
    assert missed.missed_at
    _, [calm] = later(SMART_CASE, [missed], 120, priority=Priority.P4)
    assert (calm.missed_at, calm.at_risk_told_at, calm.due_at > NOW + 2 * HOURS) == (None, None, True)


def test_updates_are_promised_by_the_priority_that_a_case_has_now() -> None:
    urgent = replace(SMART_CASE, priority=Priority.P2)
    _, clocks = later(urgent, [RULES.respond(urgent)], 5, news=True)
    assert [(one.kind, one.due_at - NOW) for one in clocks if not one.met_at] == [("update", 125 * MINUTES)]
    calm, clocks = later(urgent, clocks, 30, priority=Priority.P3)
    assert [one.kind for one in clocks if not one.met_at] == []
    _, clocks = later(calm, clocks, 40, priority=Priority.P1)
    assert [(one.kind, one.due_at - NOW) for one in clocks if not one.met_at] == [("update", 100 * MINUTES)]


def test_time_that_a_clock_was_paused_does_not_count_after_a_change_of_priority() -> None:
    urgent = replace(SMART_CASE, priority=Priority.P2)
    waits, clocks = later(urgent, [RULES.respond(urgent)], 10, news=True, state=CaseState.AWAITING_INFORMATION)
    still, paused = later(waits, clocks, 60, priority=Priority.P1)
    assert outlook(paused).due_at is None
    for case, kept, promised in ((waits, clocks, 120), (still, paused, 60)):
        _, going = later(case, kept, 190, state=CaseState.IN_PROGRESS)
        assert outlook(going).due_at == NOW + (190 + promised) * MINUTES
    again, going = later(waits, clocks, 190, state=CaseState.IN_PROGRESS)
    _, sooner = later(again, going, 200, priority=Priority.P1)
    assert outlook(sooner).due_at == NOW + (190 + 60) * MINUTES


@pytest.mark.parametrize("news", [False, True])
def test_a_transfer_answers_for_the_sender_and_the_receiver_has_as_long_again(news: bool) -> None:
    moved, clocks = later(SMART_CASE, [RULES.respond(SMART_CASE)], 100, team=Team.TRIAGE_DESK, news=news)
    assert [(one.kind, bool(one.met_at)) for one in clocks] == [("respond", True), ("take_over", False)]
    assert outlook(clocks).due_at == NOW + 220 * MINUTES
    _, noted = later(moved, clocks, 110, assignee="S6001")
    assert noted == clocks
    _, told = later(moved, clocks, 110, news=True)
    assert outlook(told).due_at is None
    on, clocks = later(moved, clocks, 120, team=Team.ADVICE_CENTRE)
    assert [(one.kind, one.started_at) for one in clocks if not one.met_at] == [("take_over", NOW + 120 * MINUTES)]
    _, done = later(on, clocks, 130, state=CaseState.RESOLVED)
    assert outlook(done).due_at is None
