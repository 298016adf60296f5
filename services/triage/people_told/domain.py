"""Whom an alert went to, by role, what for, and what came of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.events.vocabulary import Acknowledgement, AlertPurpose, RecipientReason

OF_THE_REPORT = frozenset(
    {
        AlertPurpose.ABUSE_REPORTED,
        AlertPurpose.INCIDENT_REPORTED,
        AlertPurpose.ENQUIRY_RECEIVED,
        AlertPurpose.MISDIRECTED,
        AlertPurpose.REPORT_MOVED,
        AlertPurpose.ABUSE_FOUND,
    }
)
"""What follows from a report as it was sent. Other alerts may be about one case of it that not everyone may see."""

PURPOSES: Mapping[str, str] = {
    AlertPurpose.ABUSE_REPORTED: "Abuse was reported",
    AlertPurpose.MISUSE_REPORTED: "Misuse was reported",
    AlertPurpose.MISUSE_ASSIGNED: "A case of misuse to work on",
    AlertPurpose.INCIDENT_REPORTED: "An incident was reported",
    AlertPurpose.ENQUIRY_RECEIVED: "A question was received",
    AlertPurpose.MISDIRECTED: "The report was sent using another form",
    AlertPurpose.SHIFT_CHANGED: "A shift begins",
    AlertPurpose.CASE_ASSIGNED: "The case was given to a colleague",
    AlertPurpose.TASK_GIVEN: "A task of the case was given to a colleague",
    AlertPurpose.CASE_HANDED_OVER: "A colleague handed a case over",
    AlertPurpose.MORE_CONTENT_ASKED: "A colleague asks to be shown more",
    AlertPurpose.SECOND_REVIEW_WAITING: "An outcome needs a second person",
    AlertPurpose.REPORT_MOVED: "Another team has the report",
    AlertPurpose.QUESTION_ASKED: "The team asked something",
    AlertPurpose.MESSAGE_SENT: "The team wrote something",
    AlertPurpose.REPORT_FINISHED: "The work is finished",
    AlertPurpose.REPORTER_REPLIED: "The reporter replied",
    AlertPurpose.REVIEW_ASKED: "The outcome is to be looked at again",
    AlertPurpose.OUTCOME_REVIEWED: "The outcome was looked at again",
    AlertPurpose.ABUSE_FOUND: "Monitoring found abuse",
    AlertPurpose.ACCOUNT_TAKEN_OVER: "An official account was taken over",
    AlertPurpose.URGENT_CASE: "An urgent case outside office hours",
    AlertPurpose.DEADLINE_AT_RISK: "A deadline is at risk",
    AlertPurpose.DEADLINE_MISSED: "A deadline was missed",
}
REASONS: Mapping[str, str] = {
    RecipientReason.REPORTERS_MANAGER: "The reporter’s manager",
    RecipientReason.NAMED_ON_REPORT: "The manager named on the report",
    RecipientReason.SOMEONE_ELSE_CHOSEN: "Someone else, chosen by the reporter",
    RecipientReason.CONFLICTED_NEXT_UP: "The next manager up, because the first may be concerned",
    RecipientReason.FALLBACK_NO_MANAGER_KNOWN: "The fallback recipient: no manager is known",
    RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED: "The fallback recipient: the address given is not allowed",
    RecipientReason.FALLBACK_ALL_CONFLICTED: "The fallback recipient: every manager may be concerned",
    RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT: "No one yet: the reporter wants to be asked first",
    RecipientReason.NOBODY_REPORTER_DECLINED: "No one: the reporter does not want it",
    RecipientReason.NOBODY_CONFIDENTIAL: "No one: the report is confidential",
    RecipientReason.NOBODY_ANONYMOUS: "No one: the report is anonymous",
    RecipientReason.NOBODY_FOUND_BY_MONITORING: "No one: monitoring found it",
    RecipientReason.NOBODY_UNION_ACTIVITY: "No one: the triage desk decides first",
    RecipientReason.NOBODY_NOT_REQUIRED: "No one: the policy does not ask for it",
    RecipientReason.NOBODY_MANAGER_WORKS_IT: "No one: their manager works on the case",
    RecipientReason.NOBODY_CANNOT_BE_REACHED: "No one: they gave no safe way to reach them",
    RecipientReason.NOBODY_HAS_THE_CASE: "No one: no one has the case",
    RecipientReason.SUBJECTS_MANAGER: "The subject’s manager",
    RecipientReason.TEAM_MAILBOX: "The team",
    RecipientReason.TEAM_LEAD: "The team’s lead",
    RecipientReason.THE_REPORTER: "The reporter",
    RecipientReason.THE_RESPONDER: "The person who had the case",
    RecipientReason.GIVEN_A_TASK: "The person who was given the task",
    RecipientReason.PERSON_AFFECTED: "The person affected",
    RecipientReason.COMMS: "The communications team",
    RecipientReason.ESCALATED_NO_ANSWER: "The next person: no one answered",
    RecipientReason.ESCALATED_NOT_MINE: "The next person: the first said that it is not theirs",
    RecipientReason.ESCALATED_CANNOT_ACT: "The next person: the first cannot act",
    RecipientReason.ESCALATED_UNDELIVERABLE: "The next person: the first could not be reached",
}
ANSWERS: Mapping[str, str] = {
    Acknowledgement.CONFIRMED: "confirmed",
    Acknowledgement.NOT_MINE: "not theirs",
    Acknowledgement.CANNOT_ACT: "cannot act",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One alert, or the reason why there is none."""

    alert_id: UUID
    purpose: str | None
    """None from older writers, which alerted only about abuse."""
    reason: str | None
    """Why this recipient; None while only what came of the alert is known."""
    someone_told: bool | None
    decided_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None
    answered_at: datetime | None
    answer: str | None
    escalated_at: datetime | None

    @property
    def about(self) -> str:
        """What it was for, in words."""
        return PURPOSES.get(self.purpose or AlertPurpose.ABUSE_REPORTED, "Something about the report")

    @property
    def who(self) -> str:
        """Who it was for, by role and never by name."""
        return REASONS.get(self.reason or "", "Someone")

    @property
    def of_the_report(self) -> bool:
        """Whether it follows from the report alone, so that it says nothing of other cases."""
        return (self.purpose or AlertPurpose.ABUSE_REPORTED) in OF_THE_REPORT
