"""How cases read on a page."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.triage.deadlines.domain import Clock
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import CaseState, DeadlineKind, Outcome, ReportType, Team
from shared.web.times import uk_time

FULL_TEAM_NAMES = {
    Team.SMART: "Social Media Abuse Response Team (SMART)",
    Team.SIRT: "Security Incident Response Team (SIRT)",
    Team.LINE_MANAGER: "Line manager",
    Team.ADVICE_CENTRE: "Security Advice Centre",
    Team.POLICY_STANDARDS: "Security Policy and Standards",
    Team.TRIAGE_DESK: "Triage desk",
}
SHORT_TEAM_NAMES = FULL_TEAM_NAMES | {Team.SMART: "SMART", Team.SIRT: "SIRT"}

STATES = {
    CaseState.NEW: "New",
    CaseState.CLAIMED: "Claimed",
    CaseState.IN_PROGRESS: "In progress",
    CaseState.AWAITING_INFORMATION: "Awaiting information",
    CaseState.RESOLVED: "Resolved",
    CaseState.CLOSED: "Closed",
}

OUTCOMES = {
    Outcome.REPORTED_TO_PLATFORM: "Reported to the platform",
    Outcome.REMOVED_BY_PLATFORM: "Removed by the platform",
    Outcome.SUPPORT_GIVEN: "Support given",
    Outcome.POLICE_REFERRAL: "Referred to the police",
    Outcome.NO_VIOLATION: "No violation found",
    Outcome.INVALID_REPORT: "Invalid report",
    Outcome.NO_BREACH: "No breach of the policy",
    Outcome.ADVICE_GIVEN: "Advice given",
    Outcome.INFORMAL_ACTION: "Informal action",
    Outcome.DISCIPLINARY_ROUTE: "Disciplinary route",
    Outcome.REFERRED: "Referred to another team",
    Outcome.INSUFFICIENT_INFORMATION: "Not enough information",
    Outcome.EXEMPT: "Outside the policy: trade union activity",
    Outcome.CONTAINED: "Contained",
    Outcome.ERADICATED: "Eradicated",
    Outcome.ACCEPTED: "Risk accepted",
    Outcome.FALSE_POSITIVE: "False positive",
    Outcome.NOT_AN_INCIDENT: "Not a security incident",
    Outcome.ANSWERED: "Answered",
    Outcome.EXCEPTION_GRANTED: "Exception granted",
    Outcome.EXCEPTION_REFUSED: "Exception refused",
    Outcome.DUPLICATE: "Duplicate of another report",
    Outcome.OUT_OF_SCOPE: "Out of scope",
    Outcome.WITHDRAWN: "Withdrawn by the reporter",
}

TYPES = {
    ReportType.ABUSE: "Abuse",
    ReportType.MISUSE: "Misuse",
    ReportType.SECURITY_INCIDENT: "Security incident",
    ReportType.ENQUIRY: "Enquiry",
    ReportType.POLICY_EXCEPTION: "Exception to the policy",
}

ACTIONS = {
    "opened": "Case opened",
    "claimed": "Claimed",
    "released": "Released",
    "started": "Work started",
    "note_added": "Internal note added",
    "note_shared": "Note shared with the reporter",
    "information_asked": "Reporter asked for information",
    "information_added": "The reporter added something",
    "manager_agreed": "The reporter agreed that their manager is told",
    "withdrawal_asked": "The reporter asked to withdraw",
    "transferred": "Transferred",
    "resolved": "Resolved",
    "closed": "Closed",
    "reopened": "Reopened",
    "exempted": "Outside the policy: closed, and whom it was about erased",
    "not_exempted": "Not trade union activity: sent on by the rules",
    "manager_assigned": "A line manager has it",
    "manager_missing": "No line manager can work it",
    "manager_acted": "The line manager recorded an action",
    "manager_looked": "The line manager opened it",
    "referred_to_sirt": "The line manager referred it to SIRT",
    "misuse_opened": "Linked case of misuse opened",
    "breach_aware": "SIRT is aware of a breach of personal data",
    "breach_decided": "Decided who is told about the breach",
    "compromise_confirmed": "Confirmed that an account is taken over",
    "person_named": "Somebody was named to see the case",
    "page_opened": "The restricted case was opened",
    "content_shown": "What was written was shown",
    "nobody_took_it": "Nobody of the team took it: given to the triage desk",
    "lease_expired": "Claim ran out",
    "deadline_at_risk": "Deadline at risk",
    "deadline_missed": "Deadline missed",
}

OWNERS = {"dwp": "DWP", "supplier": "A supplier", "unsure": "Not sure"}
CHANNELS = {"staff": "The security form", "supplier": "The suppliers’ channel"}
DEVICES = {"dwp": "A DWP device", "personal": "A personal device", "unsure": "Not known"}
ENQUIRY_TOPICS = {
    "policy": "The policy",
    "account": "An account",
    "training": "Training",
    "requirement": "A business requirement that does not fit",
    "other": "Something else",
}
EXCEPTIONS = {
    "request": "A request for an exception",
    "notice": "Notice of an activity that may need an exception",
}

RELATIONS = {
    "self": "The reporter",
    "colleague": "A colleague",
    "customer": "A customer",
    "public": "A member of the public",
    "group": "A group",
    "unknown": "Not known",
}

CLOCKS = {
    DeadlineKind.RESPOND: "Respond",
    DeadlineKind.UPDATE: "Next update",
    DeadlineKind.PERSONAL_DATA_BREACH: "Breach of personal data, 72 hours",
}


def words(code: str) -> str:
    """Return a word of the vocabulary as a person reads it: `intimate_image` → `Intimate image`."""
    return code.replace("_", " ").capitalize()


def changed(name: str, value: str) -> str:
    """Return a value of the activity record as a person reads it: `smart` → `SMART`."""
    known: Mapping[str, Mapping[str, str]] = {
        "team": {team.value: text for team, text in SHORT_TEAM_NAMES.items()},
        "state": {state.value: text for state, text in STATES.items()},
        "outcome": {outcome.value: text for outcome, text in OUTCOMES.items()},
        "clock": {kind.value: text for kind, text in CLOCKS.items()},
    }
    if name == "due_at":
        return uk_time(datetime.fromisoformat(value))
    if name in {"rule", "accounts", "assignee", "version", "priority", "acted_on"}:
        return value
    return known.get(name, {}).get(value) or words(value)


def actor(subject: str, me: str) -> str:
    """Return who did something, as `me` reads it."""
    if subject.startswith("system:"):
        return "Signpost"
    return {me: "you", "reporter": "the reporter"}.get(subject, subject)


def what(code: str) -> str:
    """Return what happened, in the queue: `speaks_for_department` → `speaks for department`."""
    return code.replace("_", " ")


def platform(slug: str) -> str:
    """Return a platform's name."""
    return PLATFORMS.get(slug) or words(slug)


def clock_words(due_at: datetime | None, now: datetime) -> str:
    """Return `12 min left` or `missed by 3 min`; nothing where no clock runs."""
    if due_at is None:
        return ""
    return f"{duration(due_at - now)} left" if due_at > now else f"missed by {duration(now - due_at)}"


def clock_state(clock: Clock, now: datetime) -> str:
    """Return what a clock says about itself."""
    if clock.met_at:
        return "met late" if clock.due_at < clock.met_at else "met"
    return "paused" if clock.paused_at else clock_words(clock.due_at, now)


def duration(length: timedelta) -> str:
    """Return a length in its two largest units: `45 min`, `2 h 5 min`, `3 days 4 h`."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "less than 1 min"
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} {'day' if days == 1 else 'days'}" + (f" {hours} h" if hours else "")
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
