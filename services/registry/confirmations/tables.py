"""Confirmations in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.tables import Base
from shared.db.metadata import personal


class ConfirmationRow(Base):
    """Someone checked that an account exists on the platform, is ours, and searched for look-alikes."""

    __tablename__ = "confirmation"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "account_class"], ["account.id", "account.account_class"]),
        CheckConstraint("account_class <> 'union'", name="no_union"),
        CheckConstraint("address <> '' and how_known <> ''", name="says_how"),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_class: Mapped[str]
    address: Mapped[str] = mapped_column(info=personal("the address of an account", retention="account"))
    how_known: Mapped[str] = mapped_column(info=personal("how an account is known to be ours", retention="account"))
    lookalikes: Mapped[str | None] = mapped_column(
        info=personal("accounts that look like one of ours", retention="account")
    )
    """The look-alikes found on the platform; None if the search found none."""
    confirmed_by: Mapped[str] = mapped_column(info=personal("who confirmed an account", retention="account"))
    confirmed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
