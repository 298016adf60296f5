"""How reports are kept."""

from datetime import datetime
from typing import TypedDict

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base
from shared.db.personal import personal
from shared.ids import ReportId

_WHO_REPORTED = personal("who you are and how to reach you", retention="report")
_WHO_ELSE = personal("the people that you said are affected or suspected", retention="report")
_WHAT = personal("what you told us happened", retention="report")
_WHERE = personal("the accounts and links that you gave us", retention="report")
_CODE = personal("the code that you follow your report with, as a keyed hash", retention="report")
_MANAGER = personal("the address of the manager you named", retention="report")


class PersonRow(TypedDict):
    """A person affected or suspected, as the column keeps it."""

    relation: str
    name: str | None
    staff_id: str | None
    handle: str | None


class ReportRow(Base):
    """A report as it was submitted."""

    __tablename__ = "report"
    __table_args__ = (
        CheckConstraint(
            "confidentiality <> 'anonymous' or num_nonnulls(reporter_subject, reporter_staff_id, reporter_name,"
            " reporter_email, reporter_worker_kind, reporter_safe_contact) = 0",
            name="anonymous_keeps_nobody",
        ),
        CheckConstraint("(reporter_subject is null) = (receipt_hash is not null)", name="one_way_to_follow"),
        Index("ix_report_reporter_subject_submitted_at", "reporter_subject", "submitted_at"),
    )

    id: Mapped[ReportId] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    report_type: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    receipt_hash: Mapped[bytes | None] = mapped_column(LargeBinary, info=_CODE)
    confidentiality: Mapped[str] = mapped_column(Text)
    reporter_subject: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_staff_id: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_name: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_email: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_worker_kind: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_safe_contact: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    platform: Mapped[str] = mapped_column(Text)
    platform_name: Mapped[str | None] = mapped_column(Text)
    content_kind: Mapped[str | None] = mapped_column(Text)
    content_state: Mapped[str | None] = mapped_column(Text)
    urls: Mapped[list[str]] = mapped_column(ARRAY(Text), info=_WHERE)
    handles: Mapped[list[str]] = mapped_column(ARRAY(Text), info=_WHERE)
    behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text))
    also_affects: Mapped[list[str]] = mapped_column(ARRAY(Text))
    affected: Mapped[list[PersonRow]] = mapped_column(JSONB, info=_WHO_ELSE)
    suspected: Mapped[list[PersonRow]] = mapped_column(JSONB, info=_WHO_ELSE)
    occurred_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    narrative: Mapped[str] = mapped_column(Text, info=_WHAT)
    evidence_note: Mapped[str | None] = mapped_column(Text, info=_WHAT)
    found_by: Mapped[str] = mapped_column(Text)
    manager_alert: Mapped[str] = mapped_column(Text)
    manager_email: Mapped[str | None] = mapped_column(Text, info=_MANAGER)
