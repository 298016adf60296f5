"""Confirmed compromises in PostgreSQL. None of them can be of a union account (C-j)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.tables import Base
from shared.db.personal import personal


class CompromiseRow(Base):
    """SIRT confirmed that somebody else controls the account."""

    __tablename__ = "compromise"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "account_class"], ["account.id", "account.account_class"]),
        # The same confirmation, told twice, changes nothing twice.
        UniqueConstraint("account_id", "case_id", "confirmed_at"),
        CheckConstraint("account_class <> 'union'", name="no_union"),
        CheckConstraint("(recovered_at is null) = (recovered_by is null)", name="recovered_by_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    account_class: Mapped[str]
    case_id: Mapped[UUID]
    reference: Mapped[str]
    confirmed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recovered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recovered_by: Mapped[str | None] = mapped_column(info=personal("who recovered an account", retention="account"))
