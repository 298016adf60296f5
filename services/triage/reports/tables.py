"""Reports as a team needs to see them. What people wrote, and who they are, is in named personal columns."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.personal import personal

_REPORT = "report"


class Report(Base):
    """One submitted report."""

    __tablename__ = "report"

    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    report_type: Mapped[str]
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    confidentiality: Mapped[str]
    reporter_kind: Mapped[str | None]
    platform: Mapped[str]
    content_kind: Mapped[str | None]
    content_state: Mapped[str | None]
    behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text))
    also_affects: Mapped[list[str]] = mapped_column(ARRAY(Text))
    found_by: Mapped[str]
    manager_alert: Mapped[str]
    occurred_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    reporter_staff_id: Mapped[str | None] = mapped_column(info={**personal("your staff number", retention=_REPORT)})
    reporter_name: Mapped[str | None] = mapped_column(info={**personal("your name", retention=_REPORT)})
    reporter_email: Mapped[str | None] = mapped_column(info={**personal("your e-mail address", retention=_REPORT)})
    safe_contact: Mapped[str | None] = mapped_column(info={**personal("a safe way to contact you", retention=_REPORT)})
    platform_name: Mapped[str | None] = mapped_column(
        info={**personal("what you call the platform", retention=_REPORT)}
    )
    urls: Mapped[list[str]] = mapped_column(ARRAY(Text), info={**personal("links", retention=_REPORT)})
    handles: Mapped[list[str]] = mapped_column(ARRAY(Text), info={**personal("account names", retention=_REPORT)})
    affected: Mapped[list[dict[str, str]]] = mapped_column(
        JSONB, info={**personal("who is affected", retention=_REPORT)}
    )
    suspected: Mapped[list[dict[str, str]]] = mapped_column(
        JSONB, info={**personal("who you think did it", retention=_REPORT)}
    )
    narrative: Mapped[str] = mapped_column(info={**personal("what you told us happened", retention=_REPORT)})
    evidence_note: Mapped[str | None] = mapped_column(
        info={**personal("what you told us about evidence", retention=_REPORT)}
    )


class NamedAccount(Base):
    """An account that a report names, in one spelling: to see that the same one is reported again and again."""

    __tablename__ = "named_account"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.report_id"), primary_key=True)
    account: Mapped[str] = mapped_column(
        primary_key=True, info={**personal("account names, in one spelling", retention=_REPORT)}
    )
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (Index(None, "account", "submitted_at"),)
