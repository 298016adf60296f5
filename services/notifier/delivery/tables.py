"""Deliveries and their attempts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base
from shared.db.metadata import personal


class DeliveryRow(Base):
    """A message for one recipient; `due_at` is when the loop next claims it."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("alert_id", "kind"),
        Index("ix_delivery_due", "due_at", postgresql_where=text("due_at is not null")),
    )

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID]
    report_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text, info=personal("address an alert was sent to", retention="alert"))
    notice: Mapped[dict[str, str]] = mapped_column(JSONB)
    last_resort: Mapped[bool]
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    may_repeat: Mapped[bool]
    """Whether an earlier attempt may have reached the provider, so that every later one is marked."""
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    first_tried_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AttemptRow(Base):
    """One attempt: committed before the provider is contacted, closed afterwards."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("delivery_id", "number"),
        Index("ix_attempt_open", "delivery_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("ix_attempt_open_worker", "worker", postgresql_where=text("ended_at is null")),
    )

    attempt_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("delivery.delivery_id", ondelete="CASCADE"))
    number: Mapped[int]
    worker: Mapped[int] = mapped_column(BigInteger)
    """The advisory lock that the sending process holds while it is alive."""
    possible_repeat: Mapped[bool]
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    code: Mapped[int | None]
    provider_id: Mapped[str | None] = mapped_column(Text, index=True)
    """The provider's id of the message, which its receipts name."""


class ReceiptRow(Base):
    """A provider's later report on a message: each status once, however often it is reported."""

    __tablename__ = "receipt"

    provider_id: Mapped[str] = mapped_column(Text, primary_key=True)
    status: Mapped[str] = mapped_column(Text, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class HeldAlertRow(Base):
    """A held alert; `due_at` is null once it has been sent, and `summary_id` is the summary that it was sent in."""

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
