"""The facts that a message is made from, and how messages are classed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from shared.events.vocabulary import AlertPurpose


class Urgency(StrEnum):
    """How soon the reader should act; our choice."""

    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"
    """Nothing is lost when it waits for the next digest."""


class Standing(StrEnum):
    """Why this person reads the message; it decides how it is put."""

    MANAGER = "manager"
    NAMED = "named"
    CHOSEN = "chosen"
    NEXT_UP = "next_up"
    DESK = "desk"
    TEAM = "team"
    LEAD = "lead"
    REPORTER = "reporter"
    MISUSE_REPORTER = "misuse_reporter"
    """Learns only that the work is finished."""
    AFFECTED = "affected"
    OWNER = "owner"
    OPERATOR = "operator"
    COMMS = "comms"


class MessageClass(StrEnum):
    """Who a message is for: what is sent by GOV.UK Notify is switched class by class."""

    MANAGER = "manager"
    TEAM = "team"
    REPORTER = "reporter"
    ACCOUNT = "account"


CLASS_OF: Mapping[AlertPurpose, MessageClass] = {
    AlertPurpose.ABUSE_REPORTED: MessageClass.MANAGER,
    AlertPurpose.MISUSE_REPORTED: MessageClass.MANAGER,
    AlertPurpose.MISUSE_ASSIGNED: MessageClass.MANAGER,
    AlertPurpose.MISDIRECTED: MessageClass.TEAM,
    AlertPurpose.URGENT_CASE: MessageClass.TEAM,
    AlertPurpose.DEADLINE_AT_RISK: MessageClass.TEAM,
    AlertPurpose.DEADLINE_MISSED: MessageClass.TEAM,
    AlertPurpose.REPORT_MOVED: MessageClass.REPORTER,
    AlertPurpose.QUESTION_ASKED: MessageClass.REPORTER,
    AlertPurpose.REPORT_FINISHED: MessageClass.REPORTER,
    AlertPurpose.ABUSE_FOUND: MessageClass.REPORTER,
    AlertPurpose.ACCOUNT_TAKEN_OVER: MessageClass.ACCOUNT,
    AlertPurpose.ACCESS_GRANTED: MessageClass.ACCOUNT,
    AlertPurpose.ACCESS_WITHDRAWN: MessageClass.ACCOUNT,
    AlertPurpose.REVIEW_DUE: MessageClass.ACCOUNT,
    AlertPurpose.EXCEPTION_EXPIRED: MessageClass.ACCOUNT,
}
"""Every purpose that somebody is told for; the others only say why nobody is."""

ASKS = frozenset({AlertPurpose.ABUSE_REPORTED, AlertPurpose.MISUSE_REPORTED, AlertPurpose.MISUSE_ASSIGNED})
"""What a recipient is asked to acknowledge."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The facts that a message's text is made from: never a name, never what was written."""

    reference: str
    urgency: Urgency
    standing: Standing
    purpose: AlertPurpose = AlertPurpose.ABUSE_REPORTED
    page: str = ""
    """The path that the link leads to, where the message asks for no acknowledgement."""

    def stored(self) -> dict[str, str]:
        """Return the facts as the delivery keeps them."""
        return {
            "reference": self.reference,
            "urgency": self.urgency.value,
            "standing": self.standing.value,
            "purpose": self.purpose.value,
            "page": self.page,
        }

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> Self:
        """Read what `stored` gave; what was enqueued before there were purposes is about abuse."""
        return cls(
            stored["reference"],
            Urgency(stored["urgency"]),
            Standing(stored["standing"]),
            AlertPurpose(stored.get("purpose", AlertPurpose.ABUSE_REPORTED)),
            stored.get("page", ""),
        )
