"""Alerts that wait for an answer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base


class AwaitedAnswerRow(Base):
    """A sent alert: when to remind, and when to alert the next person; both null once done or answered."""

    __tablename__ = "awaited_answer"
    __table_args__ = (
        Index("ix_awaited_answer_remind", "remind_at", postgresql_where=text("remind_at is not null")),
        Index("ix_awaited_answer_escalate", "escalate_at", postgresql_where=text("escalate_at is not null")),
    )

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    remind_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    escalate_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
