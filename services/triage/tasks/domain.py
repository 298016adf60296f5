"""Tasks of a case, the support that a person was offered, and the protocol for a threat to life. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from services.triage.cases import domain as cases
from services.triage.cases.domain import Actor, Case
from services.triage.facets import domain as facets
from shared.events.vocabulary import Outcome

LONGEST_TITLE = 200
LONGEST_NOTE = 2_000
LONGEST_REFERENCE = 100
"""Characters."""
MOST_OF_A_CASE = 100
"""Tasks."""
MOST_DAYS = 366
"""How far ahead a task or a follow-up may be due. Our choice."""
MOST_COUNTED = 99
"""The tasks of a list are counted up to this number."""


class TaskView(StrEnum):
    """Which tasks a list shows, of those that are not done."""

    MINE = "mine"
    """For me by name, or of a case that I have."""
    TEAM = "team"
    """Of all cases that I may see."""
    OVERDUE = "overdue"
    """Of those, whose time has passed."""


_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of a list goes on: after a task that may be done meanwhile, or no longer seen.

    To a client it is opaque.
    """

    due_at: datetime | None
    task_id: UUID

    def __str__(self) -> str:
        return f"{(self.due_at - _START) // _MICROSECOND if self.due_at else ''}.{self.task_id}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read a cursor from a URL; None if it is none."""
        due_at, _, task_id = text.partition(".")
        try:
            return cls(_START + int(due_at) * _MICROSECOND if due_at else None, UUID(task_id))
        except (ValueError, OverflowError):
            return None


class TaskNotFound(Exception):
    """The case has no such task."""


class TaskDone(Exception):
    """It is done already."""


class TooManyTasks(Exception):
    """One case has no more tasks than that."""


class NotWithinReach(Exception):
    """The time is past, or too far ahead."""


class AnswerWithoutOffer(Exception):
    """Support was answered that no one had offered."""


class NotYetRung(Exception):
    """Someone is said to have been rung at a time that is still to come."""


class RungBeforeReport(Exception):
    """Someone is said to have been rung before the report was sent."""


@dataclass(frozen=True, slots=True)
class Template:
    """A task that every case of a kind has."""

    code: str
    title: str
    types: tuple[str, ...]
    hours: int
    happened: tuple[str, ...] = ()
    """What must have happened, in the words of a report; empty: whatever it was."""
    hint: str = ""

    def fits(self, case: Case, happened: Collection[str]) -> bool:
        """Return whether a case has it."""
        of_this = not self.happened or not set(self.happened).isdisjoint(happened)
        return case.report_type in self.types and of_this


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do about a case. One of a template has no row, and no id, until work on the case starts."""

    case_id: UUID
    code: str = ""
    """Of its template, or what made it (`chase`, `follow_up`); empty for a free one."""
    title: str = field(default="", repr=False)
    """What a person called it; empty if the code says it."""
    task_id: UUID | None = None
    assignee: str | None = None
    """Staff id of who does it; None: the person who has the case."""
    due_at: datetime | None = None
    about: UUID | None = None
    """The take-down that it is about."""
    made_at: datetime | None = None
    made_by: str | None = None
    done_at: datetime | None = None
    done_by: str | None = None
    overdue: bool = False
    """Whether the sweep noted that its time has passed."""

    @property
    def done(self) -> bool:
        """Whether it is done."""
        return self.done_at is not None


def by_kind(case: Case, happened: Collection[str], templates: Iterable[Template]) -> list[Task]:
    """Return the tasks that a case has by its kind."""
    return [
        Task(case.case_id, one.code, due_at=case.opened_at + timedelta(hours=one.hours))
        for one in templates
        if takes_tasks(case) and one.fits(case, happened)
    ]


def listed(case: Case, happened: Collection[str], templates: Iterable[Template], kept: Sequence[Task]) -> list[Task]:
    """Return a case's tasks: those of its kind first, then the others, oldest first; those that are done last."""
    codes = [one.code for one in by_kind(case, happened, templates)]
    there = {task.code for task in kept}
    expected = [one for one in by_kind(case, happened, templates) if one.code not in there]
    own = sorted((one for one in kept if one.code in codes), key=lambda one: codes.index(one.code))
    others = [one for one in kept if one.code not in codes]
    return sorted([*expected, *own, *others], key=lambda task: task.done)


def started(case: Case) -> bool:
    """Return whether work on a case has started and not ended: then the tasks of its kind are there, and in lists."""
    return case.state in cases.WORKED


def starts(before: Case, after: Case) -> bool:
    """Return whether a change starts the work on a case, for the first time or again."""
    return started(after) and not started(before)


def moves(before: Case, after: Case) -> bool:
    """Return whether a change brings the tasks of a case into other lists, or takes them out of all."""
    return before.team is not after.team or started(before) is not started(after)


def listed_for(case: Case) -> str:
    """Return the facet of those in whose lists the tasks of an open case are."""
    return facets.seen_as(case.team, restricted=case.restricted)


def added(task: Task, kept: Sequence[Task], now: datetime) -> Task:
    """Return a new task of a case.

    Raises:
        TooManyTasks: the case has very many.
        NotWithinReach: it is due in the past, or too far ahead.
        TaskDone: one of that template is there already.
    """
    if len(kept) >= MOST_OF_A_CASE:
        raise TooManyTasks
    if task.code and task.code not in CODE_TITLES and any(one.code == task.code for one in kept):
        raise TaskDone
    require_within_reach(task.due_at, now)
    return task


def require_within_reach(due_at: datetime | None, now: datetime) -> None:
    """Check a time that a person chose.

    Raises:
        NotWithinReach: it is past, or too far ahead.
    """
    if due_at and not now <= due_at <= now + timedelta(days=MOST_DAYS):
        raise NotWithinReach


def finished(task: Task, by: str, now: datetime) -> Task:
    """Tick a task off.

    Raises:
        TaskDone: it is.
    """
    if task.done:
        raise TaskDone
    return replace(task, done_at=now, done_by=by, overdue=False)


def is_late(task: Task, now: datetime) -> bool:
    """Return whether the time of a task has passed, and no one has noted that."""
    return task.due_at is not None and task.due_at <= now and not task.done and not task.overdue


def undone(task: Task) -> Task:
    """Take a tick back."""
    return replace(task, done_at=None, done_by=None)


class SupportState(StrEnum):
    """How far support is."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Support:
    """The support that a person was offered about a case."""

    case_id: UUID
    state: SupportState
    offered_at: datetime
    offered_by: str
    answered_at: datetime | None = None
    answered_by: str | None = None
    """Staff id of who recorded the answer."""
    follow_up_on: date | None = None


def supported(
    before: Support | None, case_id: UUID, state: SupportState, by: str, now: datetime, follow_up_on: date | None
) -> Support:
    """Return the support after it was offered, or answered; it may be offered again.

    The day to ask again stays until another is chosen, or the support is declined.

    Raises:
        AnswerWithoutOffer: there is nothing to answer.
    """
    if before and state is not SupportState.DECLINED:
        follow_up_on = follow_up_on or before.follow_up_on
    if state is SupportState.OFFERED:
        return Support(case_id, state, now, by, follow_up_on=follow_up_on)
    if before is None:
        raise AnswerWithoutOffer
    return replace(before, state=state, answered_at=now, answered_by=by, follow_up_on=follow_up_on)


class Rung(StrEnum):
    """Who was rung about a threat to life."""

    POLICE_999 = "police_999"
    POLICE_101 = "police_101"
    PERSON_AFFECTED = "person_affected"
    LINE_MANAGER = "line_manager"
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class ThreatRecord:
    """One answer of the protocol: whether there is a threat to life, and who was rung about it."""

    record_id: UUID
    case_id: UUID
    at: datetime
    by: str
    threat: bool
    rung: Rung | None = None
    rung_at: datetime | None = None
    police_reference: str | None = field(default=None, repr=False)


def require_rung(record: ThreatRecord, reported_at: datetime, now: datetime) -> None:
    """Check that someone was rung about this report, by now. In the minute of the report is in time: pages ask no more.

    Raises:
        NotYetRung: the time is still to come.
        RungBeforeReport: no one had reported it then.
    """
    if record.rung_at and record.rung_at > now:
        raise NotYetRung
    if record.rung_at and record.rung_at < reported_at.replace(second=0, microsecond=0):
        raise RungBeforeReport


def takes_tasks(case: Case) -> bool:
    """Return whether tasks can be kept of a case.

    Nothing is written about what may be trade union activity until the triage desk has decided (C-j).
    """
    return case.category != cases.UNION_ACTIVITY and case.outcome is not Outcome.EXEMPT


def worked_on(case: Case, actor: Actor, now: datetime) -> Case:
    """Return a case after something was recorded about its tasks. No claim is needed, and a closed case takes it too.

    Raises:
        NotForThisCase: it may be trade union activity.
    """
    if not takes_tasks(case):
        raise cases.NotForThisCase
    return cases.next_version(case) if case.finished else cases.note(case, actor, now)


CODE_TITLES: Mapping[str, str] = {
    "chase": "Ask the platform again",
    "platform_silent": "Decide what to do: the platform has not answered",
    "send_by_hand": "Send the form by hand: the platform’s endpoint did not take it",
    "follow_up": "Ask the person affected how they are",
}
"""The titles of tasks that a clock or a day makes. They are to be done even once the case has ended."""
BY_HAND = ""
"""The code of a task that a person describes; it too outlives the work on its case."""
