"""Reviews as JSON."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.registry.context.dependencies import Day, Words
from services.registry.reviews.domain import Review, ReviewOutcome
from shared.web.bodies import Body


class ReviewBody(BaseModel):
    """One review."""

    model_config = ConfigDict(frozen=True)

    review_id: UUID
    due_on: date | None
    outcome: ReviewOutcome
    reason: str
    next_on: date | None
    reviewed_by: str
    reviewed_at: datetime

    @classmethod
    def of(cls, review: Review) -> Self:
        """Return what a client sees of a review."""
        return cls(
            review_id=review.id,
            due_on=review.due_on,
            outcome=review.outcome,
            reason=review.reason,
            next_on=review.next_on,
            reviewed_by=review.reviewed_by,
            reviewed_at=review.reviewed_at,
        )


class ReviewList(BaseModel):
    """The reviews of an account, the newest first."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ReviewBody, ...]


class OutcomeBody(Body):
    """What a review decided: `next_on` unless the account is closed, `evidence` where it is."""

    outcome: ReviewOutcome
    reason: Words
    next_on: Day | None = None
    evidence: Words | None = None
