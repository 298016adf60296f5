"""Accounts as the register announced them. A projection: no unique handle, and no person's name."""

from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base


class KnownAccount(Base):
    """The newest announced state of one account."""

    __tablename__ = "known_account"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    platform: Mapped[str]
    handle: Mapped[str]
    account_class: Mapped[str]
    status: Mapped[str]
    official_use: Mapped[bool] = mapped_column(server_default="false")
    sequence: Mapped[int]

    __table_args__ = (Index(None, "platform", "handle"),)
