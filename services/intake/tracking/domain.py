"""What is known of a report, and what its reporter is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from services.intake.reports.domain import Addition
from shared.events.vocabulary import ReportType
from shared.ids import Reference, ReportId


class Stage(IntEnum):
    """How far a case is."""

    RECEIVED = 1
    WITH_TEAM = 2
    WORKING = 3
    FINISHED = 4


class ManagerNews(StrEnum):
    """What is known about the manager's alert."""

    PENDING = "pending"
    BEING_TOLD = "being_told"
    TOLD = "told"
    ACKNOWLEDGED = "acknowledged"
    NOT_REACHED = "not_reached"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class CaseNews:
    """What one event says of a case; `sequence` decides which one is newer."""

    case_id: UUID
    report_id: UUID
    sequence: int
    stage: Stage
    team: str
    at: datetime
    linked: bool = False
    arrives: bool = False
    """The team has the case from this moment."""
    outcome: str | None = None
    """How it was finished."""


@dataclass(frozen=True, slots=True)
class TrackedCase:
    """A case as it is known here."""

    stage: Stage
    team: str
    team_since: datetime
    changed_at: datetime
    linked: bool
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class TrackedAlert:
    """An alert as it is known here."""

    state: ManagerNews
    reason: str
    changed_at: datetime
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class SharedUpdate:
    """What a team wrote for the reporter to read."""

    at: datetime
    text: str = field(repr=False)
    asks: bool
    """The team waits for an answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four steps, in words."""

    name: str
    text: str
    at: datetime | None
    reached: bool


@dataclass(frozen=True, slots=True)
class Status:
    """Where a report is, and what its reporter may do."""

    report_id: ReportId
    reference: Reference
    report_type: ReportType
    submitted_at: datetime
    withdrawn_at: datetime | None
    stage: Stage
    team: str | None
    steps: tuple[Step, ...]
    manager: ManagerNews
    manager_text: str
    manager_at: datetime | None
    slow: bool
    updates: tuple[SharedUpdate, ...]
    """Newest first."""
    additions: tuple[Addition, ...]
    """What the reporter added, oldest first."""
    outcomes: tuple[str, ...]
    """How it ended, in words; empty until it has, and where the reporter may not learn it."""
    asked: bool
    """The team waits for an answer."""
    may_withdraw: bool
    may_agree: bool
    """The manager may be told once the reporter agrees."""
    may_ask_again: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What was heard of a report."""

    cases: Sequence[TrackedCase] = ()
    alerts: Sequence[TrackedAlert] = ()
    updates: Sequence[SharedUpdate] = ()
    """Newest first."""
    additions: tuple[Addition, ...] = ()
    """Oldest first."""
