"""What is remembered about reports until they are forgotten, and about their cases: ids and classification only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base
from shared.db.metadata import personal


class KnownReportRow(Base):
    """One report; `forget_at` is when it is no longer needed."""

    __tablename__ = "known_report"
    __table_args__ = (Index("ix_known_report_forget_at", "forget_at"),)

    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(Text)
    form: Mapped[str] = mapped_column(Text)
    says_abuse: Mapped[bool]
    contact: Mapped[str | None] = mapped_column(Text, info=personal("how to reach you about it", retention="alert"))
    staff_id: Mapped[str | None] = mapped_column(Text, info=personal("your staff number", retention="alert"))
    misuse: Mapped[dict[str, object] | None] = mapped_column(
        JSONB(none_as_null=True),
        info=personal("who a misuse report is about, and who must not work it", retention="alert"),
    )
    kept_from: Mapped[list[str]] = mapped_column(
        ARRAY(Text), info=personal("keys of staff who may not hear of it", retention="alert")
    )
    forget_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class KnownCaseRow(Base):
    """A case. The reporter is told the outcome once none of the report's cases is open."""

    __tablename__ = "known_case"

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(index=True)
    report_type: Mapped[str] = mapped_column(Text)
    restricted: Mapped[bool]
    team: Mapped[str | None] = mapped_column(Text)
    """Who has it; None for a case of before this was kept, until it is transferred."""
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    review_asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Since when its outcome waits to be looked at again; the reporter is told once none of the report's waits."""
