"""Records of training and vetting in PostgreSQL."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.accounts.domain import Vetting
from services.registry.tables import Base
from shared.db.metadata import personal


class TrainingRow(Base):
    """One course that one person completed."""

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


_LEVELS = ", ".join(f"'{level}'" for level in Vetting)


class VettingRow(Base):
    """A record of a person's vetting; their newest row counts."""

    __tablename__ = "vetting_record"
    __table_args__ = (
        Index("ix_vetting_record_person", text("lower(staff_id)"), "recorded_at", "id"),
        Index("ix_vetting_record_recorded_at", "recorded_at", "id"),
        CheckConstraint(f"level in ({_LEVELS})", name="level"),
        CheckConstraint("staff_id <> ''", name="named"),
        CheckConstraint("level is not null or expires_on is null", name="none_does_not_expire"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = mapped_column(info=personal("who was vetted", retention="account"))
    level: Mapped[str | None] = mapped_column(info=personal("level of vetting", retention="account"))
    expires_on: Mapped[date | None] = mapped_column(info=personal("when vetting expires", retention="account"))
    recorded_by: Mapped[str] = mapped_column(info=personal("who recorded vetting", retention="account"))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
