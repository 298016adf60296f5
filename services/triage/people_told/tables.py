"""Alerts about reports: ids, times and codes, never a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base

_Moment = DateTime(timezone=True)


class ToldAlert(Base):
    """One alert, as far as events have said what became of it; they may come in any order."""

    __tablename__ = "told_alert"

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(index=True)
    purpose: Mapped[str | None]
    reason: Mapped[str | None]
    someone_told: Mapped[bool | None]
    decided_at: Mapped[datetime | None] = mapped_column(_Moment)
    sent_at: Mapped[datetime | None] = mapped_column(_Moment)
    delivered_at: Mapped[datetime | None] = mapped_column(_Moment)
    failed_at: Mapped[datetime | None] = mapped_column(_Moment)
    """When it failed for good."""
    answered_at: Mapped[datetime | None] = mapped_column(_Moment)
    answer: Mapped[str | None]
    escalated_at: Mapped[datetime | None] = mapped_column(_Moment)
