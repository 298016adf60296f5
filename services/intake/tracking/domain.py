"""What a reporter is told about where a report is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID

from shared.events.vocabulary import RecipientReason, Team
from shared.ids import Reference, ReportId

SLOW_AFTER = timedelta(minutes=1)
"""Reaching a team takes a second; after this we say that it is taking longer."""

TEAM_NAMES = {
    Team.SMART: "the Social Media Abuse Response Team (SMART)",
    Team.SIRT: "the Security Incident Response Team (SIRT)",
    Team.LINE_MANAGER: "a line manager",
    Team.ADVICE_CENTRE: "the Security Advice Centre",
    Team.POLICY_STANDARDS: "the Security Policy and Standards Team",
    Team.TRIAGE_DESK: "the triage desk",
}


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


@dataclass(frozen=True, slots=True)
class TrackedCase:
    """A case as it is known here."""

    stage: Stage
    team: str
    team_since: datetime
    changed_at: datetime
    linked: bool


@dataclass(frozen=True, slots=True)
class TrackedAlert:
    """An alert as it is known here."""

    state: ManagerNews
    reason: str
    changed_at: datetime


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
    """Where a report is."""

    report_id: ReportId
    reference: Reference
    submitted_at: datetime
    stage: Stage
    team: str | None
    steps: tuple[Step, ...]
    manager: ManagerNews
    manager_text: str
    manager_at: datetime | None
    slow: bool
    updates: tuple[SharedUpdate, ...]
    """Newest first."""


def status(
    report_id: ReportId,
    reference: Reference,
    submitted_at: datetime,
    cases: Sequence[TrackedCase],
    alerts: Sequence[TrackedAlert],
    updates: Sequence[SharedUpdate],
    now: datetime,
) -> Status:
    """Put together what is known; nothing is promised that no team has said. `updates`: newest first."""
    main = min(cases, key=lambda case: (case.linked, case.team_since), default=None)
    stage = _stage(cases)
    manager, text, at = manager_news(alerts)
    return Status(
        report_id=report_id,
        reference=reference,
        submitted_at=submitted_at,
        stage=stage,
        team=main.team if main else None,
        steps=_steps(submitted_at, main, stage, asked=bool(updates) and updates[0].asks),
        manager=manager,
        manager_text=text,
        manager_at=at,
        slow=main is None and now - submitted_at > SLOW_AFTER,
        updates=tuple(updates),
    )


def team_name(team: str) -> str:
    """Return a team's name written out; a team that this version does not know is still a team."""
    return TEAM_NAMES[Team(team)] if team in list(Team) else "a team"


def manager_news(alerts: Sequence[TrackedAlert]) -> tuple[ManagerNews, str, datetime | None]:
    """Say whether the manager was told (S3): the best news there is, because alerts go up a chain."""
    if not alerts:
        return ManagerNews.PENDING, "We are working out who to tell.", None
    best = max(alerts, key=lambda alert: (_GOOD_NEWS.index(alert.state), alert.changed_at))
    if best.state is ManagerNews.NOT_TOLD:
        return best.state, _NOBODY.get(best.reason, "Nobody has been told besides the team."), best.changed_at
    who = _WHO.get(best.reason, "Somebody responsible")
    return best.state, f"{who} {_NEWS[best.state]}", best.changed_at


def _stage(cases: Sequence[TrackedCase]) -> Stage:
    stages = {case.stage for case in cases}
    if not stages:
        return Stage.RECEIVED
    if len(stages) > 1 and max(stages) is Stage.FINISHED:
        return Stage.WORKING
    return max(stages)


def _steps(submitted_at: datetime, main: TrackedCase | None, stage: Stage, *, asked: bool) -> tuple[Step, ...]:
    team = team_name(main.team) if main else "the right team"
    changed = main.changed_at if main else None
    working = _ASKED if asked and stage is Stage.WORKING else "Being worked on"
    return (
        Step("received", "Received", submitted_at, reached=True),
        Step("with_team", f"With {team}", main.team_since if main else None, reached=stage >= Stage.WITH_TEAM),
        Step("being_worked_on", working, changed if stage is Stage.WORKING else None, stage >= Stage.WORKING),
        Step("finished", "Finished", changed if stage is Stage.FINISHED else None, stage is Stage.FINISHED),
    )


_ASKED = "Being worked on. The team has asked you for information"

_GOOD_NEWS = (
    ManagerNews.PENDING,
    ManagerNews.NOT_TOLD,
    ManagerNews.NOT_REACHED,
    ManagerNews.BEING_TOLD,
    ManagerNews.TOLD,
    ManagerNews.ACKNOWLEDGED,
)

_NEWS = {
    ManagerNews.BEING_TOLD: "is being told.",
    ManagerNews.TOLD: "has been told.",
    ManagerNews.ACKNOWLEDGED: "has been told and has confirmed it.",
    ManagerNews.NOT_REACHED: "could not be reached yet. We keep trying.",
}

_WHO: Mapping[str, str] = {
    RecipientReason.REPORTERS_MANAGER: "Your manager",
    RecipientReason.NAMED_ON_REPORT: "The manager you named",
    RecipientReason.SOMEONE_ELSE_CHOSEN: "The person you chose",
    RecipientReason.CONFLICTED_NEXT_UP: "A more senior manager, instead of yours,",
    RecipientReason.FALLBACK_NO_MANAGER_KNOWN: "We do not know your manager, so the response desk",
    RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED: "We cannot send to the address you gave, so the response desk",
    RecipientReason.FALLBACK_ALL_CONFLICTED: "The response desk, instead of your managers,",
    RecipientReason.ESCALATED_NO_ANSWER: "The next person or team in line, because nobody answered,",
    RecipientReason.ESCALATED_NOT_MINE: "The next person or team in line, because somebody else is responsible,",
    RecipientReason.ESCALATED_CANNOT_ACT: "The next person or team in line, because the first one cannot act,",
    RecipientReason.ESCALATED_UNDELIVERABLE: "The next person or team in line, because the message did not arrive,",
}

_NOBODY: Mapping[str, str] = {
    RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT: "Your manager has not been told. The team will ask you first.",
    RecipientReason.NOBODY_REPORTER_DECLINED: "Your manager has not been told, as you asked.",
    RecipientReason.NOBODY_CONFIDENTIAL: "Your manager has not been told, because you reported in confidence.",
    RecipientReason.NOBODY_ANONYMOUS: "No manager has been told, because you reported anonymously.",
    RecipientReason.NOBODY_FOUND_BY_MONITORING: "No manager is told until the person affected agrees.",
}
