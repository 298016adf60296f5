"""Words of alerts: why somebody is told, and what becomes of it."""

from enum import StrEnum


class AlertPurpose(StrEnum):
    """Why someone is told."""

    ABUSE_REPORTED = "abuse_reported"
    MISUSE_REPORTED = "misuse_reported"
    """To the manager of who reported it (R-c)."""
    MISUSE_ASSIGNED = "misuse_assigned"
    """To the subject's manager, who works it (R-d)."""
    INCIDENT_REPORTED = "incident_reported"
    ENQUIRY_RECEIVED = "enquiry_received"
    MISDIRECTED = "misdirected"
    """To both teams."""
    REPORT_MOVED = "report_moved"
    """To the reporter whose report came by another form's way."""
    QUESTION_ASKED = "question_asked"
    REPORT_FINISHED = "report_finished"
    ABUSE_FOUND = "abuse_found"
    """To the person affected, where monitoring found it (C-h)."""
    ACCOUNT_TAKEN_OVER = "account_taken_over"
    URGENT_CASE = "urgent_case"
    DEADLINE_AT_RISK = "deadline_at_risk"
    DEADLINE_MISSED = "deadline_missed"
    ACCESS_GRANTED = "access_granted"
    ACCESS_WITHDRAWN = "access_withdrawn"
    REVIEW_DUE = "review_due"
    EXCEPTION_EXPIRED = "exception_expired"


class RecipientReason(StrEnum):
    """Why this recipient, or why nobody."""

    REPORTERS_MANAGER = "reporters_manager"
    NAMED_ON_REPORT = "named_on_report"
    SOMEONE_ELSE_CHOSEN = "someone_else_chosen"
    CONFLICTED_NEXT_UP = "conflicted_next_up"
    FALLBACK_NO_MANAGER_KNOWN = "fallback_no_manager_known"
    FALLBACK_ADDRESS_NOT_ALLOWED = "fallback_address_not_allowed"
    FALLBACK_ALL_CONFLICTED = "fallback_all_conflicted"
    NOBODY_REPORTER_ASKED_TO_WAIT = "nobody_reporter_asked_to_wait"
    NOBODY_REPORTER_DECLINED = "nobody_reporter_declined"
    NOBODY_CONFIDENTIAL = "nobody_confidential"
    NOBODY_ANONYMOUS = "nobody_anonymous"
    NOBODY_FOUND_BY_MONITORING = "nobody_found_by_monitoring"
    NOBODY_UNION_ACTIVITY = "nobody_union_activity"
    NOBODY_NOT_REQUIRED = "nobody_not_required"
    """The policy asks for no manager to be told: incidents without abuse, enquiries."""
    NOBODY_MANAGER_WORKS_IT = "nobody_manager_works_it"
    """The reporter's manager is the one who works the misuse case: they must not learn who reported."""
    NOBODY_CANNOT_BE_REACHED = "nobody_cannot_be_reached"
    SUBJECTS_MANAGER = "subjects_manager"
    TEAM_MAILBOX = "team_mailbox"
    TEAM_LEAD = "team_lead"
    THE_REPORTER = "the_reporter"
    PERSON_AFFECTED = "person_affected"
    ACCOUNT_OWNER = "account_owner"
    ACCOUNT_OPERATOR = "account_operator"
    COMMS = "comms"
    ESCALATED_NO_ANSWER = "escalated_no_answer"
    ESCALATED_NOT_MINE = "escalated_not_mine"
    ESCALATED_CANNOT_ACT = "escalated_cannot_act"
    ESCALATED_UNDELIVERABLE = "escalated_undeliverable"


class ManagerAction(StrEnum):
    """What a manager did about misuse (R-d). Category and date only: details stay in the personnel system."""

    NO_BREACH = "no_breach"
    ADVICE_GIVEN = "advice_given"
    INFORMAL_ACTION = "informal_action"
    DISCIPLINARY_ROUTE = "disciplinary_route"
    INSUFFICIENT_INFORMATION = "insufficient_information"
    OUT_OF_SCOPE = "out_of_scope"


class Acknowledgement(StrEnum):
    """What a recipient answers."""

    CONFIRMED = "confirmed"
    NOT_MINE = "not_mine"
    CANNOT_ACT = "cannot_act"


class FailureKind(StrEnum):
    """Why an alert did not go out (the provider's own classes)."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    TECHNICAL = "technical"
