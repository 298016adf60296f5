"""The events of triage: ids and classification only, never content."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import (
    CaseState,
    DeadlineKind,
    Open,
    Outcome,
    Priority,
    ReportType,
    ReviewResult,
    Team,
    TeamAsked,
)


class _CaseEvent(Event):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.CASES.name,)

    case_id: UUID
    report_id: UUID
    reference: str
    at: AwareDatetime


class CaseOpened(_CaseEvent):
    """A report became a case: one per report, and one more for each linked case."""

    TYPE: ClassVar[str] = "case.opened.v1"
    report_type: Open[ReportType]
    team: Open[Team]
    priority: Open[Priority]
    restricted: bool = False
    linked: bool = False


class CaseRouted(_CaseEvent):
    """Why this team has the case: the rule, its clause and its rule book."""

    TYPE: ClassVar[str] = "case.routed.v1"
    report_type: Open[ReportType]
    team: Open[Team]
    rule: str
    clause: str
    rulebook: str
    misdirected: bool = False
    form: Open[ReportType] | None = None
    """Which form it came by; differs from `report_type` if the reporter used the wrong form."""
    category: str | None = None
    priority: Open[Priority] | None = None
    restricted: bool = False
    linked: bool = False
    staffed: bool = True
    """Whether the team is at work: a P1 or P2 outside its hours needs a person on call."""


class CaseClaimed(_CaseEvent):
    """A responder claimed the case."""

    TYPE: ClassVar[str] = "case.claimed.v1"
    team: Open[Team]


class CaseAssigned(_CaseEvent):
    """Someone gave the case to a colleague of the team, or a lead took it."""

    TYPE: ClassVar[str] = "case.assigned.v1"
    team: Open[Team]
    priority: Open[Priority]
    assignee: str
    """Staff id."""
    taken: bool = False
    """Whether they took it themselves, so that they need not be told."""


class CaseTaskGiven(_CaseEvent):
    """Someone gave a task of the case to a colleague."""

    TYPE: ClassVar[str] = "case.task_given.v1"
    team: Open[Team]
    priority: Open[Priority]
    assignee: str
    """Staff id."""


class CasePriorityChanged(_CaseEvent):
    """A responder changed the priority; the running deadlines follow."""

    TYPE: ClassVar[str] = "case.priority_changed.v1"
    team: Open[Team]
    before: Open[Priority]
    priority: Open[Priority]
    staffed: bool = True
    """Whether the team is at work: a P1 or P2 outside its hours needs a person on call."""


class CaseTransferred(_CaseEvent):
    """The case went to another team, which has as long to take it over as for a response."""

    TYPE: ClassVar[str] = "case.transferred.v1"
    from_team: Open[Team]
    to_team: Open[Team]
    priority: Open[Priority] | None = None
    staffed: bool = True
    """Whether the new team is at work: a P1 or P2 outside its hours needs a person on call."""


class CaseInformationAsked(_CaseEvent):
    """The team asked the reporter something; the question itself is a `ReporterUpdateShared`."""

    TYPE: ClassVar[str] = "case.information_asked.v1"
    team: Open[Team]


class CaseAnswered(_CaseEvent):
    """The team wrote to the reporter: a message or a question, which another topic carries."""

    TYPE: ClassVar[str] = "case.answered.v1"
    team: Open[Team]


class CaseTakedownChanged(_CaseEvent):
    """A platform was asked to remove something, was asked again, answered, or is late."""

    TYPE: ClassVar[str] = "case.takedown_changed.v1"
    team: Open[Team]


class CaseCompromiseConfirmed(_CaseEvent):
    """SIRT confirmed that someone else controls registered accounts: the register freezes them."""

    TYPE: ClassVar[str] = "case.compromise_confirmed.v1"
    account_ids: tuple[UUID, ...]


class CaseResolved(_CaseEvent):
    """The team's work is done."""

    TYPE: ClassVar[str] = "case.resolved.v1"
    team: Open[Team]
    outcome: Open[Outcome]
    report_type: Open[ReportType] | None = None
    linked: bool = False


class CaseReopened(_CaseEvent):
    """Work on the case continues."""

    TYPE: ClassVar[str] = "case.reopened.v1"
    team: Open[Team]
    state: Open[CaseState]


class CaseClosed(_CaseEvent):
    """The case was closed."""

    TYPE: ClassVar[str] = "case.closed.v1"
    team: Open[Team]


class CaseMerged(_CaseEvent):
    """The case follows another one, which is about the same; its reporter is told everything as before."""

    TYPE: ClassVar[str] = "case.merged.v1"
    team: Open[Team]
    into_case_id: UUID


class CaseUnmerged(_CaseEvent):
    """The case no longer follows another one."""

    TYPE: ClassVar[str] = "case.unmerged.v1"
    team: Open[Team]
    from_case_id: UUID
    state: Open[CaseState]


class CaseSplit(_CaseEvent):
    """A part of the case is now a linked case, which has events of its own."""

    TYPE: ClassVar[str] = "case.split.v1"
    team: Open[Team]
    new_case_id: UUID


class CaseReporterReplied(_CaseEvent):
    """The reporter wrote, or sent evidence, and no one of the team has seen it yet."""

    TYPE: ClassVar[str] = "case.reporter_replied.v1"
    team: Open[Team]
    priority: Open[Priority]
    assignee: str | None = None
    """Staff id of the responder who has the case, or had it when their claim ran out."""


class CaseReviewRequested(_CaseEvent):
    """The reporter asks for the outcome to be looked at again; someone else than who decided it does that."""

    TYPE: ClassVar[str] = "case.review_requested.v1"
    team: Open[Team]
    outcome: Open[Outcome]
    due_at: AwareDatetime


class CaseReviewed(_CaseEvent):
    """The outcome was looked at again."""

    TYPE: ClassVar[str] = "case.reviewed.v1"
    team: Open[Team]
    outcome: Open[Outcome]
    """That was looked at."""
    result: Open[ReviewResult]
    report_type: Open[ReportType] | None = None


class CaseDeadlineAtRisk(_CaseEvent):
    """Three quarters of the time to a deadline have passed."""

    TYPE: ClassVar[str] = "case.deadline_at_risk.v1"
    team: Open[Team]
    kind: Open[DeadlineKind]
    due_at: AwareDatetime
    priority: Open[Priority] | None = None


class CaseDeadlineMissed(_CaseEvent):
    """A deadline passed."""

    TYPE: ClassVar[str] = "case.deadline_missed.v1"
    team: Open[Team]
    kind: Open[DeadlineKind]
    due_at: AwareDatetime
    priority: Open[Priority] | None = None


class ReporterUpdateShared(Event):
    """A responder wrote to the reporter. Restricted: carries the text."""

    TYPE: ClassVar[str] = "reporter_update.shared.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.REPORTER_UPDATES.name,)

    report_id: UUID
    reference: str
    at: AwareDatetime
    text: str
    asks: bool = False
    """Whether the team waits for an answer."""


class ShiftChanged(Event):
    """A shift of a team begins: how much there is to hand over, without restricted cases; counted up to 100."""

    TYPE: ClassVar[str] = "shift.changed.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.CASES.name,)

    team: Open[Team]
    began_at: AwareDatetime
    at: AwareDatetime
    urgent: int
    """Open cases of P1 and P2."""
    due_soon: int
    """Other open cases that are due within four hours, or late."""


class LeadsAsked(Event):
    """Leads of a team are asked for something. It names neither a case nor a person: leads see those in Signpost."""

    TYPE: ClassVar[str] = "team.asked.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.CASES.name,)

    team: Open[Team]
    kind: Open[TeamAsked]
    at: AwareDatetime


TRIAGE_EVENTS: tuple[type[Event], ...] = (
    CaseOpened,
    CaseRouted,
    CaseClaimed,
    CaseAssigned,
    CaseTaskGiven,
    CasePriorityChanged,
    CaseTransferred,
    CaseInformationAsked,
    CaseAnswered,
    CaseTakedownChanged,
    CaseCompromiseConfirmed,
    CaseResolved,
    CaseReopened,
    CaseClosed,
    CaseMerged,
    CaseUnmerged,
    CaseSplit,
    CaseReporterReplied,
    CaseReviewRequested,
    CaseReviewed,
    CaseDeadlineAtRisk,
    CaseDeadlineMissed,
    ShiftChanged,
    LeadsAsked,
    ReporterUpdateShared,
)
