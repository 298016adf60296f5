"""Decisions, and their alerts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base
from shared.db.metadata import personal


class DecisionRow(Base):
    """Who is alerted about a report, or no one, and why: exactly one row per report, purpose and occasion."""

    __tablename__ = "decision"
    __table_args__ = (UniqueConstraint("report_id", "purpose", "occasion"),)

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(Text)
    occasion: Mapped[str] = mapped_column(Text)
    """The occasion, if one report has several decisions for a purpose: a deadline's event, a transfer."""
    reason: Mapped[str] = mapped_column(Text)
    anybody: Mapped[bool]
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AlertRow(Base):
    """One alert: an event, its purpose, a recipient and a channel."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("event_id", "purpose", "recipient_key", "channel"),
        Index("ix_alert_recipient_staff_id", "recipient_staff_id", "created_at"),
        Index("ix_alert_recipient_email", "recipient_email", "created_at"),
    )

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID | None] = mapped_column(index=True)
    """None if it is about an account."""
    case_id: Mapped[UUID | None]
    purpose: Mapped[str] = mapped_column(Text)
    standing: Mapped[str] = mapped_column(Text)
    page: Mapped[str] = mapped_column(Text)
    """Where its link leads, if it asks for no answer."""
    reference: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    """The CloudEvents id of its event."""
    channel: Mapped[str] = mapped_column(Text)
    recipient_key: Mapped[str] = mapped_column(Text, info=personal("who was alerted", retention="alert"))
    recipient_email: Mapped[str] = mapped_column(Text, info=personal("who was alerted", retention="alert"))
    recipient_staff_id: Mapped[str | None] = mapped_column(Text, info=personal("who was alerted", retention="alert"))
    about_staff_id: Mapped[str | None] = mapped_column(
        Text, info=personal("whose report it is, where they are named", retention="alert")
    )
    chain: Mapped[list[dict[str, str | None]]] = mapped_column(
        JSONB, info=personal("who would be told next, as it was when the alert was made", retention="alert")
    )
    reason: Mapped[str] = mapped_column(Text)
    urgency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    escalated_from: Mapped[UUID | None] = mapped_column(ForeignKey("alert.alert_id"))
    escalated_to: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AlertHistoryRow(Base):
    """What happened to an alert, line by line."""

    __tablename__ = "alert_history"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.alert_id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    what: Mapped[str] = mapped_column(Text)
