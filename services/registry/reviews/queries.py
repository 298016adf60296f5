"""What pages and lists read of reviews."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.reviews.domain import Review, ReviewOutcome
from services.registry.reviews.tables import ReviewRow


async def reviews_of(session: AsyncSession, account_id: UUID) -> list[Review]:
    """Return the reviews of an account, the newest first."""
    rows = await session.scalars(
        select(ReviewRow).where(ReviewRow.account_id == account_id).order_by(ReviewRow.reviewed_at.desc())
    )
    return list(map(review_of, rows))


def review_of(row: ReviewRow) -> Review:
    """Return the review that a row stores."""
    return Review(
        id=row.id,
        account_id=row.account_id,
        due_on=row.due_on,
        outcome=ReviewOutcome(row.outcome),
        reason=row.reason,
        next_on=row.next_on,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
    )
