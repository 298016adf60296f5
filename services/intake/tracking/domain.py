"""What is known about a report, and its status as the reporter sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from services.intake.evidence.domain import EvidenceItem
from services.intake.reports.domain import Addition
from shared.events.vocabulary import Outcome, ReportType
from shared.ids import Reference, ReportId

KINDS: Mapping[ReportType, str] = {
    ReportType.ABUSE: "Abuse",
    ReportType.MISUSE: "Misuse",
    ReportType.SECURITY_INCIDENT: "Security incident",
    ReportType.ENQUIRY: "Question",
    ReportType.POLICY_EXCEPTION: "Exception",
}
"""What a reporter calls each kind of report."""


class Stage(IntEnum):
    """The stage of a case."""

    RECEIVED = 1
    WITH_TEAM = 2
    WORKING = 3
    FINISHED = 4


class ManagerAlertState(StrEnum):
    """What is known about the alert of the reporter's manager."""

    PENDING = "pending"
    BEING_TOLD = "being_told"
    TOLD = "told"
    ACKNOWLEDGED = "acknowledged"
    NOT_REACHED = "not_reached"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class TrackedCase:
    """A case as it is known here."""

    stage: Stage
    team: str
    team_since: datetime
    changed_at: datetime
    linked: bool
    outcome: str | None = None
    resolved_at: datetime | None = None
    review_asked_at: datetime | None = None
    reviewed_at: datetime | None = None
    review_result: str | None = None

    @property
    def reviewable(self) -> bool:
        """Whether there is an outcome that can be looked at again; an exempt case has nothing left to look at."""
        return self.stage is Stage.FINISHED and self.resolved_at is not None and self.outcome != Outcome.EXEMPT

    @property
    def review_waits(self) -> bool:
        """Whether the team has yet to look at the outcome again."""
        if self.review_asked_at is None or not self.reviewable:
            return False
        return self.reviewed_at is None or self.reviewed_at < self.review_asked_at


class ReviewState(StrEnum):
    """What became of the wish that an outcome is looked at again."""

    WAITING = "waiting"
    UPHELD = "upheld"
    CHANGED = "changed"
    """The team went back to work."""
    LOOKED_AT = "looked_at"
    """All that a person who reported misuse learns of it."""
    REOPENED = "reopened"
    """The team went back to work before someone looked again."""


@dataclass(frozen=True, slots=True)
class ReviewStatus:
    """The reporter's last wish that an outcome is looked at again, in words."""

    state: ReviewState
    text: str
    asked_at: datetime
    at: datetime | None = None
    """When it was looked at."""


@dataclass(frozen=True, slots=True)
class TrackedAlert:
    """An alert as it is known here."""

    state: ManagerAlertState
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
class ManagerStatus:
    """Whether a manager was told, in words."""

    state: ManagerAlertState
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusStep:
    """One of the four steps, in words."""

    name: str
    text: str
    at: datetime | None
    reached: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """That a report was finished, and how, as far as its reporter may learn it."""

    at: datetime
    outcomes: tuple[str, ...]


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
    team_name: str | None
    steps: tuple[StatusStep, ...]
    manager: ManagerStatus
    slow: bool
    updates: tuple[SharedUpdate, ...]
    """Newest first."""
    additions: tuple[Addition, ...]
    """What the reporter added, oldest first."""
    evidence: tuple[EvidenceItem, ...]
    """The files that the reporter sent and did not take back, oldest first."""
    outcomes: tuple[str, ...]
    """How it ended, in words; empty until it has, and where the reporter may not learn it."""
    asked: bool
    """The team waits for an answer."""
    may_withdraw: bool
    may_agree: bool
    """The manager may be told once the reporter agrees."""
    may_ask_again: bool
    review: ReviewStatus | None
    """The last wish that the outcome is looked at again; None if there was none."""
    ended: Ended | None
    """How it ended the last time, though the team may have gone back to work since."""
    outcome_at: datetime | None
    """When the last outcome was decided that can be looked at again; None until the report is finished."""

    @property
    def may_ask_for_review(self) -> bool:
        """Whether the outcome may be looked at again: once."""
        return self.outcome_at is not None and (self.review is None or self.review.asked_at < self.outcome_at)

    @property
    def kind(self) -> str:
        """What the reporter calls it."""
        return KINDS[self.report_type]

    @property
    def status(self) -> str:
        """The last step that was reached."""
        return self._reached.name

    @property
    def status_text(self) -> str:
        return self._reached.text

    @property
    def _reached(self) -> StatusStep:
        return [step for step in self.steps if step.reached][-1]


@dataclass(frozen=True, slots=True)
class Known:
    """What other services said about a report, and what its reporter added."""

    cases: Sequence[TrackedCase] = ()
    alerts: Sequence[TrackedAlert] = ()
    updates: Sequence[SharedUpdate] = ()
    """Newest first."""
    additions: tuple[Addition, ...] = ()
    """Oldest first."""
    evidence: tuple[EvidenceItem, ...] = ()
    """Oldest first."""
