"""Alerts that wait for a digest or a summary, and which summary each went with."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base
from shared.db.personal import personal


class HeldAlertRow(Base):
    """An alert that waits; `due_at` is null once it has left, and `summary_id` says with what."""

    __tablename__ = "held_alert"
    __table_args__ = (
        Index("ix_held_alert_due", "due_at", postgresql_where=text("due_at is not null")),
        Index("ix_held_alert_waiting", "recipient", "channel", postgresql_where=text("due_at is not null")),
    )

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID | None]
    channel: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text, info=personal("address an alert was sent to", retention="alert"))
    notice: Mapped[dict[str, str]] = mapped_column(JSONB)
    last_resort: Mapped[bool]
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    summary_id: Mapped[UUID | None] = mapped_column(index=True)
