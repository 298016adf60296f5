"""The staff directory in PostgreSQL."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base
from shared.db.metadata import personal


class StaffRow(Base):
    """A person who works here."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower_case"),
        # Deferred: two people may swap addresses in one import.
        UniqueConstraint("email", deferrable=True, initially="DEFERRED"),
        Index("uq_staff_person", text("lower(staff_id)"), unique=True),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    staff_id: Mapped[str] = mapped_column(Text, unique=True, info=personal("staff number", retention="directory"))
    name: Mapped[str] = mapped_column(Text, info=personal("name", retention="directory"))
    email: Mapped[str] = mapped_column(Text, info=personal("work email address", retention="directory"))
    organisation: Mapped[str] = mapped_column(Text)
    imported_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ReportingLineRow(Base):
    """Who manages a person in a period; no one has two managers on the same day."""

    __tablename__ = "reporting_line"
    __table_args__ = (
        CheckConstraint("staff_number <> manager_number", name="not_own_manager"),
        CheckConstraint("not isempty(period)", name="period_has_days"),
        # Ranges of one number stand in for equality, which gist supports only with btree_gist.
        ExcludeConstraint(
            (text("int8range(staff_number, staff_number, '[]')"), "&&"),
            ("period", "&&"),
            using="gist",
            name="ex_reporting_line_one_manager_a_day",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    staff_number: Mapped[int] = mapped_column(ForeignKey("staff.number", ondelete="CASCADE"), index=True)
    manager_number: Mapped[int] = mapped_column(ForeignKey("staff.number"), index=True)
    period: Mapped[Range[date]] = mapped_column(DATERANGE)


class DirectoryImportRow(Base):
    """One import: who, when, how much."""

    __tablename__ = "directory_import"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text, info=personal("who imported the directory", retention="directory"))
    rows_read: Mapped[int]
    rows_refused: Mapped[int]
    people: Mapped[int]
