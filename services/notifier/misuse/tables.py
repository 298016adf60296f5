"""Who works on each misuse case, what they did, and what managers found without a report."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base
from shared.db.metadata import personal


class AssignmentRow(Base):
    """The manager who has a misuse case; the newest assignment counts. Without one, the triage desk has it."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("(action is null) = (acted_on is null)", name="action_has_a_date"),
        Index("ix_assignment_manager", "manager", "assigned_at"),
    )

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID]
    reference: Mapped[str] = mapped_column(Text)
    alert_id: Mapped[UUID]
    manager: Mapped[str | None] = mapped_column(Text, info=personal("who works on the case", retention="case"))
    assigned_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    action: Mapped[str | None] = mapped_column(Text)
    acted_on: Mapped[date | None] = mapped_column(Date)
    recorded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    referred_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """The case is finished, or with another team."""


class FindingRow(Base):
    """Non-compliance that a manager found without a report: category and day; details stay in the personnel system."""

    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_manager", "manager", "found_on"),)

    finding_id: Mapped[UUID] = mapped_column(primary_key=True)
    manager: Mapped[str] = mapped_column(Text, info=personal("which manager found it", retention="case"))
    person: Mapped[str] = mapped_column(Text, info=personal("who it is about", retention="case"))
    category: Mapped[str] = mapped_column(Text)
    found_on: Mapped[date] = mapped_column(Date)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
