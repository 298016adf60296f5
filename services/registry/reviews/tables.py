"""Reviews in PostgreSQL. None of them can be of a union account (C-j)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.reviews.domain import ReviewOutcome
from services.registry.tables import Base
from shared.db.personal import personal

_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in ReviewOutcome)


class ReviewRow(Base):
    """One review of an account."""

    __tablename__ = "review"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "account_class"], ["account.id", "account.account_class"]),
        Index("ix_review_account", "account_id", "reviewed_at"),
        CheckConstraint("account_class <> 'union'", name="no_union"),
        CheckConstraint(f"outcome in ({_OUTCOMES})", name="outcome"),
        CheckConstraint("reason <> ''", name="says_why"),
        CheckConstraint("(outcome = 'close') = (evidence is not null)", name="closed_with_evidence"),
        CheckConstraint("(outcome = 'close') = (next_on is null)", name="next_unless_closed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    account_class: Mapped[str]
    due_on: Mapped[date | None]
    outcome: Mapped[str]
    reason: Mapped[str] = mapped_column(info=personal("why an account is kept or closed", retention="account"))
    evidence: Mapped[str | None] = mapped_column(
        info=personal("how one knows that an account is gone", retention="account")
    )
    next_on: Mapped[date | None]
    reviewed_by: Mapped[str] = mapped_column(info=personal("who reviewed an account", retention="account"))
    reviewed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
