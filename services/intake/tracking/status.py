"""Where a report is, as its reporter reads it, and what they may do about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.intake.reports.domain import AdditionKind, may_ask_again
from services.intake.reports.queries import ReportKey
from services.intake.tracking import domain
from shared.events.vocabulary import (
    AlertPurpose,
    ManagerAlert,
    Outcome,
    RecipientReason,
    ReportType,
    ReviewResult,
    Team,
)

TEAM_NAMES = {
    Team.SMART: "the Social Media Abuse Response Team (SMART)",
    Team.SIRT: "the Security Incident Response Team (SIRT)",
    Team.LINE_MANAGER: "a line manager",
    Team.ADVICE_CENTRE: "the Security Advice Centre",
    Team.POLICY_STANDARDS: "the Security Policy and Standards Team",
    Team.TRIAGE_DESK: "the triage desk",
}

NEWS = {
    domain.ManagerAlertState.BEING_TOLD: "is being told.",
    domain.ManagerAlertState.TOLD: "has been told.",
    domain.ManagerAlertState.ACKNOWLEDGED: "has been told and has confirmed it.",
    domain.ManagerAlertState.NOT_REACHED: "could not be reached yet. We keep trying.",
}

WHO: Mapping[str, str] = {
    RecipientReason.REPORTERS_MANAGER: "Your manager",
    RecipientReason.NAMED_ON_REPORT: "The manager you named",
    RecipientReason.SOMEONE_ELSE_CHOSEN: "The person you chose",
    RecipientReason.CONFLICTED_NEXT_UP: "A more senior manager, instead of yours,",
    RecipientReason.FALLBACK_NO_MANAGER_KNOWN: "We do not know your manager, so the response desk",
    RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED: "We cannot send to the address you gave, so the response desk",
    RecipientReason.FALLBACK_ALL_CONFLICTED: "The response desk, instead of your managers,",
    RecipientReason.ESCALATED_NO_ANSWER: "The next person or team in line, because no one answered,",
    RecipientReason.ESCALATED_NOT_MINE: "The next person or team in line, because someone else is responsible,",
    RecipientReason.ESCALATED_CANNOT_ACT: "The next person or team in line, because the first one cannot act,",
    RecipientReason.ESCALATED_UNDELIVERABLE: "The next person or team in line, because the message did not arrive,",
}

NO_ONE_ELSE = "We could not use an address for the person you chose, so the response desk"
"""Instead of `WHO`, where the reporter chose someone else: why it was not their manager is no news to them."""
ADD_SOMEONE_ELSE = "To have someone else told, choose ‘Add information’ and give their work email address."
_FALLBACKS = frozenset(
    {
        RecipientReason.FALLBACK_NO_MANAGER_KNOWN,
        RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED,
        RecipientReason.FALLBACK_ALL_CONFLICTED,
    }
)

NOT_TOLD: Mapping[str, str] = {
    RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT: "Your manager has not been told. The team will ask you first.",
    RecipientReason.NOBODY_REPORTER_DECLINED: "Your manager has not been told, as you asked.",
    RecipientReason.NOBODY_CONFIDENTIAL: "Your manager has not been told, because you reported in confidence.",
    RecipientReason.NOBODY_ANONYMOUS: "No manager has been told, because you reported anonymously.",
    RecipientReason.NOBODY_NOT_REQUIRED: "No manager is told about this.",
    RecipientReason.NOBODY_FOUND_BY_MONITORING: "No manager is told until the person affected agrees.",
}

_WHO_WORKS_ON_IT = "No one has been told besides those who work on it"
NOT_TOLD_OF_MISUSE: Mapping[str, str] = {
    RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT: f"{_WHO_WORKS_ON_IT}. The team will ask you first.",
    RecipientReason.NOBODY_REPORTER_DECLINED: f"{_WHO_WORKS_ON_IT}, as you asked.",
    RecipientReason.NOBODY_CONFIDENTIAL: f"{_WHO_WORKS_ON_IT}, because you reported in confidence.",
    RecipientReason.NOBODY_ANONYMOUS: f"{_WHO_WORKS_ON_IT}, because you reported anonymously.",
}
"""The reporter's manager may be the one who works on it, which no sentence here denies or tells."""

OUTCOMES: Mapping[str, str] = {
    Outcome.REPORTED_TO_PLATFORM: "It was reported to the website or app.",
    Outcome.REMOVED_BY_PLATFORM: "The website or app has removed it.",
    Outcome.SUPPORT_GIVEN: "Support was given.",
    Outcome.POLICE_REFERRAL: "It was passed to the police.",
    Outcome.NO_VIOLATION: "The team found that no rule was broken.",
    Outcome.INVALID_REPORT: "The team could not use the report.",
    Outcome.OUT_OF_SCOPE: "It is not something that the team can act on.",
    Outcome.WITHDRAWN: "It was ended because you withdrew it.",
    Outcome.ADVICE_GIVEN: "Advice was given.",
    Outcome.REFERRED: "It was passed to someone else.",
    Outcome.INSUFFICIENT_INFORMATION: "There was not enough to go on.",
    Outcome.CONTAINED: "It was brought under control.",
    Outcome.ERADICATED: "The cause was removed.",
    Outcome.ACCEPTED: "The risk was accepted.",
    Outcome.FALSE_POSITIVE: "It turned out to be nothing.",
    Outcome.NOT_AN_INCIDENT: "It was not a security incident.",
    Outcome.ANSWERED: "Your question was answered.",
    Outcome.EXCEPTION_GRANTED: "The exception was granted.",
    Outcome.EXCEPTION_REFUSED: "The exception was not granted.",
}
"""The reporter does not learn what is not here: that another reporter said the same, for one."""


SLOW_AFTER = timedelta(minutes=1)
"""Reaching a team takes a second; after this we say that it is taking longer."""


def status(report: ReportKey, known: domain.Known, now: datetime) -> domain.Status:
    """Return where `report` is, from what is known; nothing is promised that no team has said."""
    main = min(known.cases, key=lambda case: (case.linked, case.team_since), default=None)
    stage, asked = _stage(known.cases), _asked(known)
    lives = report.withdrawn_at is None and stage is not domain.Stage.FINISHED
    return domain.Status(
        report_id=report.report_id,
        reference=report.reference,
        report_type=report.report_type,
        submitted_at=report.submitted_at,
        withdrawn_at=report.withdrawn_at,
        stage=stage,
        team=main.team if main else None,
        team_name=team_name(main.team) if main else None,
        steps=_steps(report.submitted_at, main, known.cases, stage, asked=asked),
        manager=_manager(report, known.alerts),
        slow=main is None and now - report.submitted_at > SLOW_AFTER,
        updates=tuple(known.updates),
        additions=known.additions,
        evidence=known.evidence,
        outcomes=_outcomes(report.report_type, known.cases) if stage is domain.Stage.FINISHED else (),
        asked=asked,
        may_withdraw=lives,
        may_agree=report.manager_alert is ManagerAlert.ASK_ME_FIRST and lives,
        may_ask_again=lives and may_ask_again(report.submitted_at, known.additions, now),
        review=_review(report.report_type, known, stage),
        ended=_ended(report.report_type, known.cases),
        outcome_at=_outcome_at(known.cases, stage),
    )


_REVIEWS: Mapping[domain.ReviewState, str] = {
    domain.ReviewState.WAITING: "Someone who did not make the decision is going to look at it.",
    domain.ReviewState.UPHELD: "Someone else has looked at it again. The outcome stays as it is.",
    domain.ReviewState.CHANGED: "Someone else has looked at it again. The outcome did not stand, so the team went back "
    "to work.",
    domain.ReviewState.LOOKED_AT: "Someone else has looked at it again. We cannot say more about it.",
    domain.ReviewState.REOPENED: "The team went back to work by itself, so there is no outcome left to look at.",
}


def _outcome_at(cases: Sequence[domain.TrackedCase], stage: domain.Stage) -> datetime | None:
    resolved = [case.resolved_at for case in cases if case.reviewable and case.resolved_at]
    return max(resolved, default=None) if stage is domain.Stage.FINISHED else None


def _review(report_type: ReportType, known: domain.Known, stage: domain.Stage) -> domain.ReviewStatus | None:
    """Return what became of the last request; of misuse, only that someone looked."""
    asked = [addition.at for addition in known.additions if addition.kind is AdditionKind.REVIEW]
    if not asked:
        return None
    asked_at = max(asked)
    done = [case for case in known.cases if case.reviewed_at and case.reviewed_at >= asked_at]
    state = _review_state(known.cases, done, stage, asked_at)
    if report_type is ReportType.MISUSE and state in {domain.ReviewState.UPHELD, domain.ReviewState.CHANGED}:
        state = domain.ReviewState.LOOKED_AT
    looked_at = max((case.reviewed_at for case in done if case.reviewed_at), default=None)
    at = looked_at if state is not domain.ReviewState.WAITING else None
    return domain.ReviewStatus(state, _REVIEWS[state], asked_at, at)


def _review_state(
    cases: Sequence[domain.TrackedCase],
    done: Sequence[domain.TrackedCase],
    stage: domain.Stage,
    asked_at: datetime,
) -> domain.ReviewState:
    if any(case.review_result == ReviewResult.CHANGED for case in done):
        return domain.ReviewState.CHANGED
    if any(case.review_waits for case in cases):
        return domain.ReviewState.WAITING
    if done:
        return domain.ReviewState.UPHELD
    resolved_since = any(case.resolved_at and case.resolved_at > asked_at for case in cases)
    overtaken = stage is not domain.Stage.FINISHED or resolved_since
    return domain.ReviewState.REOPENED if overtaken else domain.ReviewState.WAITING


_NOT_TOLD = domain.ManagerAlertState.NOT_TOLD
_CONCERNS_A_MANAGER = frozenset({ReportType.ABUSE, ReportType.MISUSE, ReportType.SECURITY_INCIDENT})
_OF_THE_REPORTERS_MANAGER = frozenset({None, AlertPurpose.ABUSE_REPORTED, AlertPurpose.MISUSE_REPORTED})
"""Purposes of the alert to the reporter's own manager; events before there were purposes carry None.

Of other alerts a reporter reads only that no one was told: the rest would show who works a case of misuse.
"""

_OF_NO_MANAGER = frozenset(
    {
        AlertPurpose.REPORT_MOVED,
        AlertPurpose.QUESTION_ASKED,
        AlertPurpose.MESSAGE_SENT,
        AlertPurpose.REPORT_FINISHED,
        AlertPurpose.OUTCOME_REVIEWED,
        AlertPurpose.REPORTER_REPLIED,
        AlertPurpose.REVIEW_ASKED,
        AlertPurpose.CASE_ASSIGNED,
        AlertPurpose.TASK_GIVEN,
    }
)
"""Purposes that say nothing of any manager."""


def _manager(report: ReportKey, alerts: Sequence[domain.TrackedAlert]) -> domain.ManagerStatus:
    others = [alert for alert in alerts if alert.purpose not in _OF_NO_MANAGER]
    theirs = [alert for alert in others if alert.purpose in _OF_THE_REPORTERS_MANAGER or alert.state is _NOT_TOLD]
    if not theirs and (others or report.report_type not in _CONCERNS_A_MANAGER):
        misuse = report.report_type is ReportType.MISUSE
        return domain.ManagerStatus(_NOT_TOLD, f"{_WHO_WORKS_ON_IT}." if misuse else "No manager is told about this.")
    return manager_status(theirs, report.report_type, someone_else=report.manager_alert is ManagerAlert.SOMEONE_ELSE)


def _asked(known: domain.Known) -> bool:
    """Return whether the last word is a question of the team; a file is an answer too."""
    if not known.updates or not known.updates[0].asks:
        return False
    answers = [addition.at for addition in known.additions if addition.kind is AdditionKind.ANSWER]
    answers += [item.added_at for item in known.evidence]
    return max(answers, default=known.updates[0].at) <= known.updates[0].at


def _ended(report_type: ReportType, cases: Sequence[domain.TrackedCase]) -> domain.Ended | None:
    """Return how all cases ended, though some may be open again; None while one of them has not ended yet."""
    ends = [case.resolved_at or (case.changed_at if case.stage is domain.Stage.FINISHED else None) for case in cases]
    known = [end for end in ends if end]
    if not ends or len(known) < len(ends):
        return None
    return domain.Ended(max(known), _outcomes(report_type, cases))


def _outcomes(report_type: ReportType, cases: Sequence[domain.TrackedCase]) -> tuple[str, ...]:
    """Return how each case ended; what becomes of a colleague stays with them and their manager."""
    if report_type is ReportType.MISUSE:
        return ()
    words = (OUTCOMES.get(case.outcome or "") for case in sorted(cases, key=lambda case: case.linked))
    return tuple(dict.fromkeys(text for text in words if text))


def team_name(team: str) -> str:
    """Return a team's name written out; a team that this version does not know is still a team."""
    return TEAM_NAMES[Team(team)] if team in list(Team) else "a team"


def manager_status(
    alerts: Sequence[domain.TrackedAlert], kind: ReportType, *, someone_else: bool = False
) -> domain.ManagerStatus:
    """Return whether the manager was told (S3): the furthest that any alert got, because alerts go up a chain.

    `someone_else`: the reporter chose someone else to be told.
    """
    if not alerts:
        return domain.ManagerStatus(domain.ManagerAlertState.PENDING, "We are working out who to tell.")
    best = max(alerts, key=lambda alert: (_FURTHEST_LAST.index(alert.state), alert.changed_at))
    if best.state is domain.ManagerAlertState.NOT_TOLD:
        words = NOT_TOLD_OF_MISUSE if kind is ReportType.MISUSE else NOT_TOLD
        text = words.get(best.reason, f"{_WHO_WORKS_ON_IT}.")
        return domain.ManagerStatus(best.state, text, best.changed_at)
    if someone_else and best.reason in _FALLBACKS:
        return domain.ManagerStatus(best.state, f"{NO_ONE_ELSE} {NEWS[best.state]} {ADD_SOMEONE_ELSE}", best.changed_at)
    who = WHO.get(best.reason, "A responsible person")
    return domain.ManagerStatus(best.state, f"{who} {NEWS[best.state]}", best.changed_at)


def _stage(cases: Sequence[domain.TrackedCase]) -> domain.Stage:
    stages = {case.stage for case in cases}
    if not stages:
        return domain.Stage.RECEIVED
    if len(stages) > 1 and max(stages) is domain.Stage.FINISHED:
        return domain.Stage.WORKING
    return max(stages)


def _steps(
    submitted_at: datetime,
    main: domain.TrackedCase | None,
    cases: Sequence[domain.TrackedCase],
    stage: domain.Stage,
    *,
    asked: bool,
) -> tuple[domain.StatusStep, ...]:
    team = _teams(main, cases) if main else "the right team"
    changed = main.changed_at if main else None
    working = _ASKED_TEXT if asked and stage is domain.Stage.WORKING else "Being worked on"
    return (
        domain.StatusStep("received", "Received", submitted_at, reached=True),
        domain.StatusStep(
            "with_team", f"With {team}", main.team_since if main else None, reached=stage >= domain.Stage.WITH_TEAM
        ),
        domain.StatusStep(
            "being_worked_on",
            working,
            changed if stage is domain.Stage.WORKING else None,
            stage >= domain.Stage.WORKING,
        ),
        domain.StatusStep(
            "finished", "Finished", changed if stage is domain.Stage.FINISHED else None, stage is domain.Stage.FINISHED
        ),
    )


def _teams(main: domain.TrackedCase, cases: Sequence[domain.TrackedCase]) -> str:
    """Return the names of all teams that have a part of it, the first one first."""
    others = dict.fromkeys(team_name(case.team) for case in cases if case.team != main.team)
    return " and with ".join([team_name(main.team), *others])


_ASKED_TEXT = "Being worked on. The team has asked you for information"

_FURTHEST_LAST = (
    domain.ManagerAlertState.PENDING,
    domain.ManagerAlertState.NOT_TOLD,
    domain.ManagerAlertState.NOT_REACHED,
    domain.ManagerAlertState.BEING_TOLD,
    domain.ManagerAlertState.TOLD,
    domain.ManagerAlertState.ACKNOWLEDGED,
)
