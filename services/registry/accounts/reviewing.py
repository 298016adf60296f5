"""Which accounts' reviews fall due; each date is claimed once (S8)."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account
from services.registry.accounts.queries import account_of
from services.registry.accounts.tables import AccountRow
from shared.events.vocabulary import AccountStatus


async def claim_reviews_due(session: AsyncSession, today: date, limit: int) -> list[Account]:
    """Lock accounts whose review is due on `today` or before and was not claimed for that date, and claim it."""
    rows = (
        await session.scalars(
            select(AccountRow)
            .where(
                AccountRow.next_review_on <= today,
                AccountRow.status != AccountStatus.CLOSED,
                AccountRow.review_announced_on.is_distinct_from(AccountRow.next_review_on),
            )
            .order_by(AccountRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()
    for row in rows:
        row.review_announced_on = row.next_review_on
    await session.flush()
    return [account_of(row) for row in rows]
