"""What a reporter is told about where a report is, and what they may do about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.intake.reports.domain import AdditionKind, may_ask_again
from services.intake.reports.queries import ReportKey
from services.intake.tracking.domain import Known, ManagerNews, Stage, Status, Step, TrackedAlert, TrackedCase
from services.intake.tracking.words import NEWS, NOBODY, OUTCOMES, TEAM_NAMES, WHO
from shared.events.vocabulary import AlertPurpose, ManagerAlert, ReportType, Team

SLOW_AFTER = timedelta(minutes=1)
"""Reaching a team takes a second; after this we say that it is taking longer."""


def status(report: ReportKey, known: Known, now: datetime) -> Status:
    """Put together what is known; nothing is promised that no team has said."""
    main = min(known.cases, key=lambda case: (case.linked, case.team_since), default=None)
    stage, asked = _stage(known.cases), _asked(known)
    manager, text, at = _manager(report.report_type, known.alerts)
    lives = report.withdrawn_at is None and stage is not Stage.FINISHED
    return Status(
        report_id=report.report_id,
        reference=report.reference,
        report_type=report.report_type,
        submitted_at=report.submitted_at,
        withdrawn_at=report.withdrawn_at,
        stage=stage,
        team=main.team if main else None,
        steps=_steps(report.submitted_at, main, known.cases, stage, asked=asked),
        manager=manager,
        manager_text=text,
        manager_at=at,
        slow=main is None and now - report.submitted_at > SLOW_AFTER,
        updates=tuple(known.updates),
        additions=known.additions,
        outcomes=_outcomes(report.report_type, known.cases, stage),
        asked=asked,
        may_withdraw=lives,
        may_agree=report.manager_alert is ManagerAlert.ASK_ME_FIRST and lives,
        may_ask_again=lives and may_ask_again(report.submitted_at, known.additions, now),
    )


_NOBODY = ManagerNews.NOT_TOLD
_CONCERNS_A_MANAGER = frozenset({ReportType.ABUSE, ReportType.MISUSE, ReportType.SECURITY_INCIDENT})
_OF_THE_REPORTERS_MANAGER = frozenset({None, AlertPurpose.ABUSE_REPORTED, AlertPurpose.MISUSE_REPORTED})
"""Why the reporter's own manager is told. Who else is told, and who works a case of misuse, is not for reporters."""


def _manager(report_type: ReportType, alerts: Sequence[TrackedAlert]) -> tuple[ManagerNews, str, datetime | None]:
    theirs = [alert for alert in alerts if alert.purpose in _OF_THE_REPORTERS_MANAGER or alert.state is _NOBODY]
    if not theirs and (alerts or report_type not in _CONCERNS_A_MANAGER):
        return _NOBODY, "No manager is told about this.", None
    return manager_news(theirs)


def _asked(known: Known) -> bool:
    """Say whether the last word is a question of the team."""
    if not known.updates or not known.updates[0].asks:
        return False
    answers = [addition.at for addition in known.additions if addition.kind is AdditionKind.ANSWER]
    return max(answers, default=known.updates[0].at) <= known.updates[0].at


def _outcomes(report_type: ReportType, cases: Sequence[TrackedCase], stage: Stage) -> tuple[str, ...]:
    """Say how each case ended; what becomes of a colleague stays with them and their manager."""
    if stage is not Stage.FINISHED or report_type is ReportType.MISUSE:
        return ()
    words = (OUTCOMES.get(case.outcome or "") for case in sorted(cases, key=lambda case: case.linked))
    return tuple(dict.fromkeys(text for text in words if text))


def team_name(team: str) -> str:
    """Return a team's name written out; a team that this version does not know is still a team."""
    return TEAM_NAMES[Team(team)] if team in list(Team) else "a team"


def manager_news(alerts: Sequence[TrackedAlert]) -> tuple[ManagerNews, str, datetime | None]:
    """Say whether the manager was told (S3): the best news there is, because alerts go up a chain."""
    if not alerts:
        return ManagerNews.PENDING, "We are working out who to tell.", None
    best = max(alerts, key=lambda alert: (_GOOD_NEWS.index(alert.state), alert.changed_at))
    if best.state is ManagerNews.NOT_TOLD:
        return best.state, NOBODY.get(best.reason, "Nobody has been told besides the team."), best.changed_at
    who = WHO.get(best.reason, "Somebody responsible")
    return best.state, f"{who} {NEWS[best.state]}", best.changed_at


def _stage(cases: Sequence[TrackedCase]) -> Stage:
    stages = {case.stage for case in cases}
    if not stages:
        return Stage.RECEIVED
    if len(stages) > 1 and max(stages) is Stage.FINISHED:
        return Stage.WORKING
    return max(stages)


def _steps(
    submitted_at: datetime, main: TrackedCase | None, cases: Sequence[TrackedCase], stage: Stage, *, asked: bool
) -> tuple[Step, ...]:
    team = _teams(main, cases) if main else "the right team"
    changed = main.changed_at if main else None
    working = _ASKED if asked and stage is Stage.WORKING else "Being worked on"
    return (
        Step("received", "Received", submitted_at, reached=True),
        Step("with_team", f"With {team}", main.team_since if main else None, reached=stage >= Stage.WITH_TEAM),
        Step("being_worked_on", working, changed if stage is Stage.WORKING else None, stage >= Stage.WORKING),
        Step("finished", "Finished", changed if stage is Stage.FINISHED else None, stage is Stage.FINISHED),
    )


def _teams(main: TrackedCase, cases: Sequence[TrackedCase]) -> str:
    """Name everybody who has a part of it, the first one first."""
    others = dict.fromkeys(team_name(case.team) for case in cases if case.team != main.team)
    return " and with ".join([team_name(main.team), *others])


_ASKED = "Being worked on. The team has asked you for information"

_GOOD_NEWS = (
    ManagerNews.PENDING,
    ManagerNews.NOT_TOLD,
    ManagerNews.NOT_REACHED,
    ManagerNews.BEING_TOLD,
    ManagerNews.TOLD,
    ManagerNews.ACKNOWLEDGED,
)
