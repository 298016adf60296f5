"""How cases read on a page."""

from datetime import datetime, timedelta

from services.triage.deadlines.domain import Clock
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import CaseState, DeadlineKind, Outcome, Team

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
    Outcome.DUPLICATE: "Duplicate of another report",
    Outcome.OUT_OF_SCOPE: "Out of scope",
    Outcome.WITHDRAWN: "Withdrawn by the reporter",
}

ACTIONS = {
    "opened": "Case opened",
    "claimed": "Claimed",
    "released": "Released",
    "started": "Work started",
    "note_added": "Internal note added",
    "note_shared": "Note shared with the reporter",
    "information_asked": "Reporter asked for information",
    "transferred": "Transferred",
    "resolved": "Resolved",
    "closed": "Closed",
    "reopened": "Reopened",
    "content_shown": "What was written was shown",
    "lease_expired": "Claim ran out",
    "deadline_at_risk": "Deadline at risk",
    "deadline_missed": "Deadline missed",
}

RELATIONS = {
    "self": "The reporter",
    "colleague": "A colleague",
    "customer": "A customer",
    "public": "A member of the public",
    "group": "A group",
    "unknown": "Not known",
}

CLOCKS = {DeadlineKind.RESPOND: "Respond", DeadlineKind.UPDATE: "Next update"}


def words(code: str) -> str:
    """Return a word of the vocabulary as a person reads it: `intimate_image` → `Intimate image`."""
    return code.replace("_", " ").capitalize()


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
