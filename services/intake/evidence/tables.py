"""Uploads that wait, evidence that is kept, and grants that were used. The bytes are objects in the store."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base
from shared.db.metadata import personal
from shared.ids import ReportId

_SENT = personal(
    "the files that you send with a report, what they are called and what you say about them", retention="report"
)
_WAITS = personal("what you say about a file that you have not sent yet, encrypted", retention="draft")


_NOT_SCANNED = "scan = 'not_scanned' and removed_at is null"


class UploadRow(Base):
    """A file that is being sent. Without its token no one can read it, the service included."""

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint("received <= length", name="no_more_than_declared"),
        CheckConstraint("(report_id is null) <> (ticket is null)", name="for_one_thing"),
        CheckConstraint("cardinality(parts) = cardinality(part_sizes)", name="each_part_has_a_size"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    evidence_id: Mapped[UUID] = mapped_column(unique=True)
    """Of the evidence that it becomes, so that it becomes one once."""
    report_id: Mapped[ReportId | None] = mapped_column(index=True)
    ticket: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    """Hash of the form's ticket, if it waits for a form."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    length: Mapped[int | None] = mapped_column(BigInteger)
    """None while a form is read, which does not say it."""
    received: Mapped[int] = mapped_column(BigInteger)
    parts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Names of its objects, in order."""
    part_sizes: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """Bytes that each part gives when it is decrypted."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary, info=_WAITS)
    attached_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class EvidenceRow(Base):
    """A piece of evidence: what it is, who added it and when."""

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint("not cleaned or name is null", name="a_copy_has_no_name"),
        CheckConstraint("(added_by = 'team') = (responder is not null)", name="team_has_someone"),
        CheckConstraint("size > 0", name="has_bytes"),
        Index("ix_evidence_not_scanned", "scanned_at", postgresql_where=text(_NOT_SCANNED)),
    )

    evidence_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[ReportId] = mapped_column(ForeignKey("report.id", ondelete="CASCADE"), index=True)
    object_name: Mapped[str] = mapped_column(Text, unique=True)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    added_by: Mapped[str] = mapped_column(Text)
    responder: Mapped[str | None] = mapped_column(Text)
    case_id: Mapped[UUID | None] = mapped_column()
    message_id: Mapped[UUID | None] = mapped_column()
    link: Mapped[int | None] = mapped_column(Integer)
    name: Mapped[str | None] = mapped_column(Text, info=_SENT)
    note: Mapped[str | None] = mapped_column(Text, info=_SENT)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    sha256_sent: Mapped[str] = mapped_column(Text)
    cleaned: Mapped[bool] = mapped_column()
    scan: Mapped[str] = mapped_column(Text)
    scanned_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the scanner was last asked."""
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UsedGrantRow(Base):
    """A grant that was carried out, so that it works once."""

    __tablename__ = "used_grant"

    grant_id: Mapped[UUID] = mapped_column(primary_key=True)
    forget_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
