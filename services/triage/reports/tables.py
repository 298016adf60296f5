"""Reports as a team sees them. What people wrote, and who they are, is in personal columns, each with its meaning."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_REPORT = "report"
_Moment = DateTime(timezone=True)
SAID_LATER = {"said": "later"}
"""Marks columns that change once a report is stored; its fingerprint leaves them out."""


class Report(Base):
    """One report by any form; columns that its form does not ask for are empty."""

    __tablename__ = "report"

    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    report_type: Mapped[str]
    """The form it came by; its cases say what it really is."""
    submitted_at: Mapped[datetime] = mapped_column(_Moment)
    confidentiality: Mapped[str]
    reporter_kind: Mapped[str | None]
    platform: Mapped[str]
    content_kind: Mapped[str | None]
    content_state: Mapped[str | None]
    behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text))
    also_affects: Mapped[list[str]] = mapped_column(ARRAY(Text))
    found_by: Mapped[str]
    manager_alert: Mapped[str | None] = mapped_column(info=SAID_LATER)
    manager_agreed_at: Mapped[datetime | None] = mapped_column(_Moment, info=SAID_LATER)
    """When the reporter agreed later that a manager may be told."""
    withdrawn_at: Mapped[datetime | None] = mapped_column(_Moment, info=SAID_LATER)
    occurred_at: Mapped[datetime | None] = mapped_column(_Moment)
    misuse: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    union_activity: Mapped[str | None]
    account_kind: Mapped[str | None]
    device: Mapped[str | None]
    own_time: Mapped[str | None]
    dwp_information: Mapped[str | None]
    related_reference: Mapped[str | None] = mapped_column(index=True)
    channel: Mapped[str | None]
    effects: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    circumstances: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    asset_owner: Mapped[str | None]
    discovered_at: Mapped[datetime | None] = mapped_column(_Moment)
    still_happening: Mapped[str | None]
    personal_data: Mapped[str | None]
    people_affected: Mapped[int | None] = mapped_column(BigInteger)
    own_mistake: Mapped[bool] = mapped_column(server_default="false")
    taken_over: Mapped[str | None]
    about: Mapped[str | None]
    exception_kind: Mapped[str | None]
    wanted_until: Mapped[date | None]
    not_readable: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")

    reporter_staff_id: Mapped[str | None] = mapped_column(info={**personal("your staff number", retention=_REPORT)})
    reporter_name: Mapped[str | None] = mapped_column(info={**personal("your name", retention=_REPORT)})
    reporter_email: Mapped[str | None] = mapped_column(info={**personal("your email address", retention=_REPORT)})
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
    subject: Mapped[dict[str, str] | None] = mapped_column(
        JSONB(none_as_null=True), info={**personal("who a report of misuse is about", retention=_REPORT)}
    )
    asset_note: Mapped[str | None] = mapped_column(
        info={**personal("what you told us about the information or device", retention=_REPORT)}
    )
    account_handle: Mapped[str | None] = mapped_column(
        info={**personal("the account that an incident involves", retention=_REPORT)}
    )
    business_case: Mapped[str | None] = mapped_column(
        info={**personal("why you ask for an exception", retention=_REPORT)}
    )


class NamedAccount(Base):
    """An account that a report names, in canonical spelling, so that repeated reports of it can be counted."""

    __tablename__ = "named_account"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.report_id"), primary_key=True)
    account: Mapped[str] = mapped_column(
        primary_key=True, info={**personal("account names, in one spelling", retention=_REPORT)}
    )
    submitted_at: Mapped[datetime] = mapped_column(_Moment)

    __table_args__ = (Index(None, "account", "submitted_at"),)


class NamedSubject(Base):
    """The person a report of misuse is about, by a key that is certainly theirs, so that repeats can be counted."""

    __tablename__ = "named_subject"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.report_id"), primary_key=True)
    key: Mapped[str] = mapped_column(
        primary_key=True,
        info={**personal("staff number or account that misuse is reported of", retention=_REPORT)},
    )
    submitted_at: Mapped[datetime] = mapped_column(_Moment)

    __table_args__ = (Index(None, "key", "submitted_at"),)


class EvidenceItem(Base):
    """A piece of evidence as intake says: what it is. Only intake has its bytes."""

    __tablename__ = "evidence_item"

    evidence_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.report_id"), index=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), index=True)
    """The case whose activity record proves this row: where a responder added it; else the report's first case."""
    added_at: Mapped[datetime] = mapped_column(_Moment)
    added_by: Mapped[str]
    sha256: Mapped[str]
    sha256_sent: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    scan: Mapped[str]
    cleaned: Mapped[bool]
    message_id: Mapped[UUID | None]
    link: Mapped[int | None]
    removed_at: Mapped[datetime | None] = mapped_column(_Moment)
    responder: Mapped[str | None] = mapped_column(info={**personal("who works on your case", retention="case")})
    note: Mapped[str | None] = mapped_column(info={**personal("what you told us about evidence", retention=_REPORT)})
