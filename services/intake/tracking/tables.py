"""What other services said about a report. Projections: they can be rebuilt from the events."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base
from shared.db.metadata import personal


class TrackedCaseRow(Base):
    """A case of a report, by its newest event."""

    __tablename__ = "tracked_case"

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(Integer)
    stage: Mapped[int] = mapped_column(Integer)
    team: Mapped[str] = mapped_column(Text)
    arrived: Mapped[int] = mapped_column(Integer)
    """Sequence of the event that gave the team the case; -1 while only later ones have arrived."""
    team_since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    linked: Mapped[bool] = mapped_column()
    outcome: Mapped[str | None] = mapped_column(Text)
    """How the team finished it; shown only where the reporter may learn it."""
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    review_asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the team was asked to look at the outcome again."""
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    review_result: Mapped[str | None] = mapped_column(Text)


class TrackedAlertRow(Base):
    """An alert about a report, by its heaviest event and of those the newest."""

    __tablename__ = "tracked_alert"

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(index=True)
    weight: Mapped[int] = mapped_column(Integer)
    sequence: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    """From `alert.decided`, or from the `alert.escalated` that led to it; other events do not repeat it."""
    purpose: Mapped[str | None] = mapped_column(Text)
    """Why the recipient is told: a reporter learns of their own manager alone."""
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SharedUpdateRow(Base):
    """What a team wrote for the reporter to read."""

    __tablename__ = "shared_update"

    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    """Of the event that brought it: the same event twice is one update."""
    report_id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    text: Mapped[str] = mapped_column(Text, info=personal("what the team wrote to you", retention="report"))
    asks: Mapped[bool] = mapped_column()
