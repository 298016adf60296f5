"""Acting on many cases at once: whom it would affect, and how it is undone. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.triage.cases import domain as cases
from services.triage.cases.domain import Actor, Case
from services.triage.deadlines.domain import Deadline
from services.triage.merges import domain as merges
from shared.events.vocabulary import Outcome, Team
from shared.ids import CaseId

MOST = 1_000
"""The most cases of one bulk action."""
AT_ONCE = 100
"""Up to so many are done while the request waits; a sweep does more than that, in steps."""
UNDO_FOR = timedelta(minutes=10)
"""How long the person who did it can undo it. Our choice: as long as a claim lasts."""


class Action(StrEnum):
    """What can be done with many cases at once."""

    CLAIM = "claim"
    ASSIGN = "assign"
    TRANSFER = "transfer"
    MESSAGE = "message"
    RESOLVE = "resolve"
    MERGE = "merge"


class State(StrEnum):
    """How far a bulk action is."""

    DRAFT = "draft"
    """Its preview is shown; nothing has happened."""
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    """A sweep puts its cases back, because they are many."""
    UNDONE = "undone"


class BulkNotFound(Exception):
    """There is no such bulk action, or another person asked for it."""


class StillRunning(Exception):
    """Not every case has been looked at yet."""


class UndoOver(Exception):
    """The time to undo it is over."""


class MessageSent(Exception):
    """A message that was sent cannot be taken back."""


class MovedOn(Exception):
    """The case changed after the bulk action."""


def done_at_once(chosen: int, with_followers: int) -> bool:
    """Return whether so many cases are done while the request waits: in one transaction, which may not be too long."""
    return chosen <= AT_ONCE and with_followers <= MOST


LEADING = frozenset({Action.TRANSFER, Action.MESSAGE, Action.RESOLVE})
"""What changes the cases that are merged into a chosen one too."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with each case."""

    action: Action
    team: Team | None = None
    outcome: Outcome | None = None
    assignee: str | None = None
    """The staff number of the colleague who gets the cases."""
    into: str | None = None
    """The id or the reference of the case that they are merged into."""
    text: str = field(default="", repr=False)
    """The message to the reporter, the hand-over note, or the reason."""
    told: set[UUID] = field(default_factory=set)
    """The reports whose reporters have read the message already: each reads it once."""
    platforms: Mapping[UUID, str] = field(default_factory=dict)
    """Where it happened, for each case, if the message has fields that a case fills in."""


def taken(case: Case, actor: Actor, now: datetime) -> Case:
    """Return the case as it is to be resolved: one that no one has is claimed first."""
    return cases.claim(case, actor, now) if is_free(case) else case


def is_free(case: Case) -> bool:
    """Return whether no one has an open case."""
    return case.assignee is None and not case.finished and not case.merged_from


def undo_until(action: Action, finished_at: datetime | None) -> datetime | None:
    """Return until when it can be undone; None if nothing of it can, or if it has not ended."""
    return finished_at + UNDO_FOR if finished_at and action is not Action.MESSAGE else None


def check_undo(state: State, finished_at: datetime | None, now: datetime) -> None:
    """Check that it can be undone now.

    Raises:
        BulkNotFound: it has not begun.
        StillRunning: it has not ended.
        UndoOver: the time is over.
    """
    if state is State.DRAFT:
        raise BulkNotFound
    if finished_at is None:
        raise StillRunning
    if now > finished_at + UNDO_FOR:
        raise UndoOver


# Whom it would affect.

_A_COLLEAGUE = "a colleague"
"""Stands for the person who will be chosen."""
_ATTEMPTS: Mapping[Action, Callable[[Case, Actor, datetime], object]] = {
    Action.CLAIM: cases.claim,
    Action.ASSIGN: lambda case, actor, now: cases.assign(case, actor, _A_COLLEAGUE, None, now),
    Action.TRANSFER: lambda case, actor, _now: cases.transfer(case, actor, min(cases.receivers(case))),
    Action.MESSAGE: cases.write_to_reporter,
    Action.RESOLVE: lambda case, actor, now: cases.resolve(
        taken(case, actor, now), actor, min(cases.OUTCOMES[case.report_type])
    ),
    Action.MERGE: merges.require_free,
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """Whom a bulk action would affect, if it began now."""

    cases: Sequence[Case]
    """Those that it would change."""
    held_by_others: int
    """How many of the chosen cases another person has."""
    changed: int
    """How many have changed since they were chosen, and are left as they are."""
    gone: int
    """How many the person cannot see any more."""
    refused: Mapping[type[Exception], int]
    """Why others are left as they are."""

    @property
    def by_team(self) -> Mapping[Team, int]:
        return Counter(case.team for case in self.cases)

    @property
    def by_state(self) -> Mapping[str, int]:
        return Counter(case.state for case in self.cases)

    @property
    def free(self) -> int:
        """How many of these no one has."""
        return sum(map(is_free, self.cases))

    @property
    def reports(self) -> int:
        """How many reports these cases are about: each has a reporter who may read what happens."""
        return len({case.report_id for case in self.cases})

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """The outcomes that fit all of these cases."""
        fitting = [cases.OUTCOMES[case.report_type] for case in self.cases]
        return frozenset.intersection(*fitting) if fitting else frozenset()

    @property
    def teams(self) -> frozenset[Team]:
        """The teams that some of these cases can go to."""
        return frozenset().union(*(cases.receivers(case) for case in self.cases))


def forecast(
    action: Action,
    chosen: Sequence[tuple[Case, int]],
    gone: int,
    actor: Callable[[Case], Actor],
    now: datetime,
    refused: tuple[type[Exception], ...],
) -> Forecast:
    """Return whom `action` would affect.

    Args:
        action: what is to be done.
        chosen: the cases as they are, each with the version that was chosen.
        gone: how many cases the person chose and cannot see any more.
        actor: who acts on a case.
        now: the time.
        refused: the errors with which a case can be refused.
    """
    others = sum(case.assignee not in {None, actor(case).subject} and not case.finished for case, _ in chosen)
    same = [case for case, version in chosen if case.version == version]
    refusals = {case.case_id: _refusal(action, case, actor(case), now, refused) for case in same}
    if action in LEADING:
        refusals |= dict.fromkeys(_led(same, refusals), None)
    return Forecast(
        cases=[case for case in same if refusals[case.case_id] is None],
        held_by_others=others,
        changed=len(chosen) - len(same),
        gone=gone,
        refused=Counter(kind for kind in refusals.values() if kind),
    )


def _led(chosen: Sequence[Case], refusals: Mapping[CaseId, type[Exception] | None]) -> set[CaseId]:
    """Return those that can be changed, and those that change with one of these, into which they are merged."""
    changed = {case_id for case_id, why in refusals.items() if why is None}
    while more := {one.case_id for one in chosen if one.merged_into in changed} - changed:
        changed |= more
    return changed


def _refusal(
    action: Action, case: Case, actor: Actor, now: datetime, refused: tuple[type[Exception], ...]
) -> type[Exception] | None:
    try:
        if case.merged_from and action is not Action.MESSAGE:
            raise cases.StateForbids(case.state)
        _ATTEMPTS[action](case, actor, now)
    except refused as error:
        return type(error)
    return None


# How it is undone.


def changed(before: Case, after: Case) -> frozenset[str]:
    """Return the names of the fields that a bulk action changed, without the version, which only goes up."""
    names = (one.name for one in fields(Case) if one.name != "version")
    return frozenset(name for name in names if getattr(before, name) != getattr(after, name))


def put_back(case: Case, made: int, before: Case) -> Case:
    """Return the case with its fields as they were before; only the version goes on.

    Raises:
        MovedOn: its version is no longer `made`, the one that the bulk action made.
    """
    if case.version != made:
        raise MovedOn
    return replace(before, version=case.version + 1)


def families(follows: Mapping[UUID, UUID | None]) -> list[list[UUID]]:
    """Return cases by the one that led the change of others, that one first: they are put back together, or not at all.

    Args:
        follows: each case, with the one that it was changed with; None if it was changed by itself.
    """
    found: dict[UUID, list[UUID]] = {}
    for case_id in sorted(follows, key=lambda one: (follows[one] is not None, one)):
        first = case_id
        while (above := follows[first]) in follows and above is not None:
            first = above
        found.setdefault(first, []).append(case_id)
    return [sorted(family, key=lambda one: (one != first, one)) for first, family in found.items()]


def clocks_put_back(before: Iterable[Deadline], now: Iterable[Deadline]) -> list[Deadline]:
    """Return the deadlines as they were before; what was announced of them meanwhile stays announced."""
    told = {(one.kind, one.due_at): one for one in now}
    return [_told(one, told.get((one.kind, one.due_at), one)) for one in before]


def _told(was: Deadline, now: Deadline) -> Deadline:
    return replace(
        was,
        at_risk_told_at=was.at_risk_told_at or now.at_risk_told_at,
        missed_at=was.missed_at or now.missed_at,
    )
