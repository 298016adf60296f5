"""Training records in PostgreSQL."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.tables import Base
from shared.db.metadata import personal


class TrainingRow(Base):
    """One course that somebody completed."""

    __tablename__ = "training_record"
    __table_args__ = (
        UniqueConstraint("staff_id", "course", "completed_on"),
        Index("ix_training_record_person", text("lower(staff_id)"), "completed_on"),
        Index("ix_training_record_recorded_at", "recorded_at", "id"),
        CheckConstraint("staff_id <> '' and course <> ''", name="named"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = mapped_column(info=personal("who completed training", retention="account"))
    course: Mapped[str]
    completed_on: Mapped[date] = mapped_column(info=personal("when training was completed", retention="account"))
    recorded_by: Mapped[str] = mapped_column(info=personal("who recorded training", retention="account"))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
