"""The ledger."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base
from shared.ids import ReportId


class LedgerRow(Base):
    """One report, and when each thing that must happen to it was known here."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index(
            "ix_ledger_incomplete",
            "accepted_at",
            postgresql_where=text("published_at is null or case_at is null or alert_decided_at is null"),
        ),
    )

    report_id: Mapped[ReportId] = mapped_column(primary_key=True)
    report_type: Mapped[str] = mapped_column(Text)
    accepted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    case_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    alert_decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dead_lettered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Of the first record about it that was dead-lettered."""


class LedgerDeadLetterRow(Base):
    """A record about a report that a consumer dead-lettered, and whether it was replayed since."""

    __tablename__ = "ledger_dead_letter"
    __table_args__ = (Index("ix_ledger_dead_letter_open", "report_id", postgresql_where=text("replayed_at is null")),)

    dead_letter_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[ReportId] = mapped_column()
    group_name: Mapped[str] = mapped_column(Text)
    """The consumer group that could not handle the record: what this group makes of a report is what is missing."""
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    replayed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LedgerFiguresRow(Base):
    """The figures as they were published last: one row, which the publishing process locks."""

    __tablename__ = "ledger_figures"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    figures: Mapped[dict[str, int]] = mapped_column(JSONB)
