"""Words of cases: who works them, how soon, and how they end."""

from enum import StrEnum


class Team(StrEnum):
    """Who works a case."""

    SMART = "smart"
    SIRT = "sirt"
    LINE_MANAGER = "line_manager"
    ADVICE_CENTRE = "advice_centre"
    POLICY_STANDARDS = "policy_standards"
    TRIAGE_DESK = "triage_desk"


class Priority(StrEnum):
    """How soon a team acts: P1 first."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class CaseState(StrEnum):
    """Where a case is in its life."""

    NEW = "new"
    CLAIMED = "claimed"
    IN_PROGRESS = "in_progress"
    AWAITING_INFORMATION = "awaiting_information"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a case ended; which ones fit depends on the report's type."""

    REPORTED_TO_PLATFORM = "reported_to_platform"
    REMOVED_BY_PLATFORM = "removed_by_platform"
    SUPPORT_GIVEN = "support_given"
    POLICE_REFERRAL = "police_referral"
    NO_VIOLATION = "no_violation_found"
    INVALID_REPORT = "invalid_report"
    DUPLICATE = "duplicate"
    OUT_OF_SCOPE = "out_of_scope"
    WITHDRAWN = "withdrawn"
    NO_BREACH = "no_breach"
    ADVICE_GIVEN = "advice_given"
    INFORMAL_ACTION = "informal_action"
    DISCIPLINARY_ROUTE = "disciplinary_route"
    REFERRED = "referred"
    INSUFFICIENT_INFORMATION = "insufficient_information"
    EXEMPT = "exempt"
    CONTAINED = "contained"
    ERADICATED = "eradicated"
    ACCEPTED = "accepted"
    FALSE_POSITIVE = "false_positive"
    NOT_AN_INCIDENT = "not_an_incident"
    ANSWERED = "answered"
    EXCEPTION_GRANTED = "exception_granted"
    EXCEPTION_REFUSED = "exception_refused"


class DeadlineKind(StrEnum):
    """What a clock measures."""

    RESPOND = "respond"
    UPDATE = "update"
    PERSONAL_DATA_BREACH = "personal_data_breach"
    """72 calendar hours from SIRT's recorded awareness; never paused (Sc-b)."""
