"""What operations counts: facts of reports and cases, and the cells that each adds to the figures. Pure.

A report or a case adds its cells once. When its facts change, the old cells are subtracted and the new ones added: so
events may come in any order and more than once, and a person who may not see a case can be shown figures without it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from math import floor, log
from typing import NamedTuple, Self
from uuid import UUID

from services.triage.deadlines.domain import UK

SHORTEST_TREND = 7
"""Days that a panel over time shows at least."""
SHORTEST = timedelta(minutes=1)
GROWTH = 1.25
"""Each span of time is longer than the one before by this factor; percentiles are right within it."""


class Figure(StrEnum):
    """What is counted, by the UK day of the report; some by another time, which their names or notes say."""

    ROUTED = "routed"
    HOURLY = "hourly"
    ALERTED = "alerted"
    NOBODY_TOLD = "nobody_told"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    MISDIRECTED = "misdirected"
    PLATFORM = "platform"
    BEHAVIOUR = "behaviour"
    WAITING = "waiting"
    FIRST_ACTION = "first_action"
    TO_RESOLVE = "to_resolve"
    DEADLINES = "deadlines"
    MISSED = "missed"
    LOOKED_AGAIN = "looked_again"
    """Outcomes that were to be looked at again, by the day of the request."""
    TO_LOOK_AT = "to_look_at"
    """Those that wait, by when they are due."""
    TAKEDOWN = "takedown"
    """What platforms were asked to remove, by the day on which they were asked."""
    REMOVED_WITHIN = "removed_within"
    """How long it took until they had removed it, by that day."""


class Looked(StrEnum):
    """What came of the wish that an outcome is looked at again."""

    WAITING = "waiting"
    UPHELD = "upheld"
    CHANGED = "changed"
    REOPENED = "reopened"


class LookAgain(NamedTuple):
    """One wish that an outcome is looked at again."""

    asked_at: datetime
    due_at: datetime
    looked: Looked


class CameOf(StrEnum):
    """What came of asking a platform to remove something."""

    REMOVED = "removed"
    REFUSED = "refused"
    OPEN = "open"
    """There is no answer yet, or the platform shows it again."""
    OVERDUE = "overdue"
    """The same, and an answer is overdue."""


class Asked(NamedTuple):
    """One thing that a platform was asked to remove."""

    takedown_id: UUID
    platform: str
    asked_at: datetime
    came_of: CameOf
    removed_at: datetime | None


class Kept(StrEnum):
    """Whether a case kept its deadlines."""

    KEPT = "kept"
    RUNNING = "running"
    MISSED = "missed"


class Cell(NamedTuple):
    """One number of a figure."""

    figure: Figure
    at: datetime
    label: str
    """`team|what`: the team of the case, or of the report's first case, and what else tells the numbers apart."""


@dataclass(frozen=True)
class ReportFacts:
    """What is known about a report from its first case and its alerts."""

    report_id: UUID
    submitted_at: datetime | None = None
    """None until its case is known: notifier decides alerts on its own, so they may arrive first."""
    team: str = ""
    platform: str | None = None
    behaviours: tuple[str, ...] = ()
    misdirected: bool = False
    resolved: bool = False
    decided: bool = False
    anybody: bool = False
    sent: bool = False
    acknowledged: bool = False

    def cells(self) -> Counter[Cell]:
        """Return what the report adds to the figures."""
        if self.submitted_at is None:
            return Counter()
        day = day_of(self.submitted_at)
        said = {
            Figure.ROUTED: True,
            Figure.ALERTED: self.sent,
            Figure.NOBODY_TOLD: self.decided and not self.anybody and not self.sent,
            Figure.ACKNOWLEDGED: self.acknowledged,
            Figure.RESOLVED: self.resolved,
            Figure.MISDIRECTED: self.misdirected,
        }
        cells = Counter(Cell(figure, day, f"{self.team}|") for figure, is_so in said.items() if is_so)
        cells[Cell(Figure.HOURLY, hour_of(self.submitted_at), f"{self.team}|")] += 1
        cells.update(Cell(Figure.BEHAVIOUR, day, f"{self.team}|{behaviour}") for behaviour in set(self.behaviours))
        if self.platform:
            cells[Cell(Figure.PLATFORM, day, f"{self.team}|{self.platform}")] += 1
        return cells


class Missed(NamedTuple):
    """A missed deadline, and the team that had the case then."""

    due_at: datetime
    kind: str
    team: str


@dataclass(frozen=True)
class CaseFacts:
    """What is known about a case."""

    case_id: UUID
    report_id: UUID
    team: str
    submitted_at: datetime
    opened_at: datetime
    finished: bool
    merged: bool = False
    """Whether it follows another case, which waits instead of it."""
    first_action_at: datetime | None = None
    """The first message, question, transfer or outcome; a claim is none (decision 0061)."""
    resolved_at: datetime | None = None
    missed: frozenset[Missed] = frozenset()
    reviews: tuple[LookAgain, ...] = ()
    takedowns: tuple[Asked, ...] = ()

    def cells(self) -> Counter[Cell]:
        """Return what the case adds to the figures."""
        day = day_of(self.submitted_at)
        cells = Counter([Cell(Figure.DEADLINES, day, f"{self.team}|{self._kept()}")])
        cells.update(Cell(Figure.MISSED, day_of(missed.due_at), f"{missed.team}|") for missed in self.missed)
        for asked_at, due_at, looked in self.reviews:
            cells[Cell(Figure.LOOKED_AGAIN, day_of(asked_at), f"{self.team}|{looked}")] += 1
            if looked is Looked.WAITING:
                cells[Cell(Figure.TO_LOOK_AT, slot_of(due_at), f"{self.team}|")] += 1
        if not self.finished and not self.merged:
            cells[Cell(Figure.WAITING, slot_of(self.opened_at), f"{self.team}|")] += 1
        if self.first_action_at:
            cells[Cell(Figure.FIRST_ACTION, day, self._took(self.first_action_at))] += 1
        if self.finished and self.resolved_at:
            cells[Cell(Figure.TO_RESOLVE, day, self._took(self.resolved_at))] += 1
        cells.update(cell for one in self.takedowns for cell in self._of_takedown(one))
        return cells

    def _of_takedown(self, one: Asked) -> Iterator[Cell]:
        day, label = day_of(one.asked_at), f"{self.team}|{one.platform}"
        yield Cell(Figure.TAKEDOWN, day, f"{label}|{one.came_of}")
        if one.removed_at:
            yield Cell(Figure.REMOVED_WITHIN, day, f"{label}|{span_of(one.removed_at - one.asked_at)}")

    def _took(self, until: datetime) -> str:
        return f"{self.team}|{span_of(until - self.submitted_at)}"

    def _kept(self) -> Kept:
        if self.missed:
            return Kept.MISSED
        return Kept.KEPT if self.finished else Kept.RUNNING


@dataclass(frozen=True, slots=True)
class CaseNews:
    """What one or more events add to the current state of a case."""

    first_action_at: datetime | None = None
    resolved_at: datetime | None = None
    misdirected: bool = False
    missed: frozenset[Missed] = frozenset()
    reviews: tuple[LookAgain, ...] | None = None
    """All of the case's; None if nothing was said of them."""

    def __or__(self, other: Self) -> "CaseNews":
        """Return both together, with the earliest action and the latest resolution."""
        return CaseNews(
            first_action_at=_earliest(self.first_action_at, other.first_action_at),
            resolved_at=_latest(self.resolved_at, other.resolved_at),
            misdirected=self.misdirected or other.misdirected,
            missed=self.missed | other.missed,
            reviews=self.reviews if other.reviews is None else other.reviews,
        )

    def applied_to(self, case: CaseFacts) -> CaseFacts:
        """Return `case` with what is new."""
        return replace(
            case,
            first_action_at=_earliest(case.first_action_at, self.first_action_at),
            resolved_at=_latest(case.resolved_at, self.resolved_at),
            missed=case.missed | self.missed,
            reviews=case.reviews if self.reviews is None else self.reviews,
        )


@dataclass(frozen=True, slots=True)
class AlertNews:
    """What alert events add to a report."""

    decided: bool = False
    anybody: bool = False
    sent: bool = False
    acknowledged: bool = False

    def __or__(self, other: Self) -> "AlertNews":
        """Return both together."""
        return AlertNews(
            decided=self.decided or other.decided,
            anybody=self.anybody or other.anybody,
            sent=self.sent or other.sent,
            acknowledged=self.acknowledged or other.acknowledged,
        )

    def applied_to(self, report: ReportFacts) -> ReportFacts:
        """Return `report` with what is new."""
        return replace(
            report,
            decided=report.decided or self.decided,
            anybody=report.anybody or self.anybody,
            sent=report.sent or self.sent,
            acknowledged=report.acknowledged or self.acknowledged,
        )


def difference(before: Iterable[Counter[Cell]], after: Iterable[Counter[Cell]]) -> Mapping[Cell, int]:
    """Return what to add to each cell, always in the same order."""
    change: Counter[Cell] = Counter()
    for cells in after:
        change.update(cells)
    for cells in before:
        change.subtract(cells)
    return {cell: change[cell] for cell in sorted(change) if change[cell]}


def day_of(moment: datetime) -> datetime:
    """Return the start of the UK day of `moment`."""
    return datetime.combine(moment.astimezone(UK).date(), time(), UK).astimezone(UTC)


def hour_of(moment: datetime) -> datetime:
    """Return the start of the hour that `moment` is in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def slot_of(moment: datetime) -> datetime:
    """Return the start of the quarter of an hour that `moment` is in."""
    return moment - timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)


def span_of(length: timedelta) -> int:
    """Return the number of the span that `length` falls in; 0 is shorter than a minute."""
    return 0 if length < SHORTEST else 1 + floor(log(length / SHORTEST, GROWTH))


def percentile(spans: Mapping[int, int], share: float) -> timedelta | None:
    """Return the length that `share` of all lengths do not exceed, right within 25%; None if there are no lengths."""
    total, seen = sum(spans.values()), 0
    for span in sorted(spans):
        if (count := spans[span]) and seen + count >= share * total:
            return _start(span) + (_start(span + 1) - _start(span)) * ((share * total - seen) / count)
        seen += count
    return None


def _start(span: int) -> timedelta:
    return SHORTEST * GROWTH ** (span - 1) if span else timedelta(0)


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
