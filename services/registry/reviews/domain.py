"""What a review can decide (S8). Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.registry.accounts.domain import Registration
from services.registry.context.domain import Fault, months_later
from shared.events.vocabulary import AccountClass, AccountStatus

LONGEST_MONTHS = 24
"""No account goes unreviewed for longer. Our choice: the policy states no period."""


class ReviewOutcome(StrEnum):
    """What became of the account."""

    KEEP = "keep"
    CHANGE = "change"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it was recorded."""

    id: UUID
    account_id: UUID
    due_on: date | None
    outcome: ReviewOutcome
    reason: str
    next_on: date | None
    reviewed_by: str
    reviewed_at: datetime


def can_be_reviewed(registration: Registration) -> bool:
    """Say whether an account is reviewed: any that is open, but never a union's."""
    union = registration.account_class is AccountClass.UNION
    return not union and registration.status is not AccountStatus.CLOSED


def fault_of(outcome: ReviewOutcome, next_on: date | None, evidence: str | None, today: date) -> Fault | None:
    """Return what is missing: the day of the next review, or the evidence that the account is gone."""
    if outcome is ReviewOutcome.CLOSE:
        missing = "Say how you know that the account is gone from the platform"
        return None if evidence else Fault("evidence", missing)
    if next_on is None or not today < next_on <= months_later(today, LONGEST_MONTHS):
        return Fault("next_on", f"Enter a day in the next {LONGEST_MONTHS} months for the next review")
    return None
