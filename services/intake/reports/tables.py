"""Reports: one row each for what all kinds have in common, and a table for what only one kind asks."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Date, DateTime, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base
from shared.db.metadata import personal
from shared.ids import ReportId

_WHO_REPORTED = personal("who you are and how to reach you", retention="report")
_WHO_ELSE = personal("the people that you said are affected or suspected", retention="report")
_WHO_ABOUT = personal("who you said it is about", retention="report")
_WHAT = personal("what you told us happened", retention="report")
_WHERE = personal("the accounts and links that you gave us", retention="report")
_CODE = personal("the code that you follow your report with, as a keyed hash", retention="report")
_MANAGER = personal("the address of the manager you named", retention="report")
_ADDED = personal("what you added to a report later", retention="report")


Part = dict[str, str | None]
"""A person, a subject or an account, as a column keeps it: by the names that the command calls its parts."""


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
        CheckConstraint(
            "reporter_subject is not null or report_type = 'abuse'"
            " or (report_type in ('misuse', 'security_incident') and confidentiality = 'anonymous')",
            name="named_by_sign_in",
        ),
        CheckConstraint("report_type not in ('abuse', 'misuse') or platform is not null", name="conduct_has_a_place"),
        CheckConstraint(
            "report_type in ('enquiry', 'policy_exception') or num_nonnulls(found_by, manager_alert) = 2",
            name="occurrence_says_who_is_told",
        ),
        Index("ix_report_reporter_subject_submitted_at", "reporter_subject", "submitted_at"),
    )

    id: Mapped[ReportId] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    report_type: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    receipt_hash: Mapped[bytes | None] = mapped_column(LargeBinary, info=_CODE)
    confidentiality: Mapped[str] = mapped_column(Text)
    reporter_subject: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_staff_id: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_name: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_email: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_worker_kind: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    reporter_safe_contact: Mapped[str | None] = mapped_column(Text, info=_WHO_REPORTED)
    platform: Mapped[str | None] = mapped_column(Text)
    platform_name: Mapped[str | None] = mapped_column(Text)
    content_kind: Mapped[str | None] = mapped_column(Text)
    content_state: Mapped[str | None] = mapped_column(Text)
    urls: Mapped[list[str]] = mapped_column(ARRAY(Text), info=_WHERE, default=list)
    handles: Mapped[list[str]] = mapped_column(ARRAY(Text), info=_WHERE, default=list)
    behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    """Kinds of abuse; what else is misuse is in the table of misuse."""
    also_affects: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    affected: Mapped[list[Part]] = mapped_column(JSONB, info=_WHO_ELSE, default=list)
    suspected: Mapped[list[Part]] = mapped_column(JSONB, info=_WHO_ELSE, default=list)
    occurred_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    narrative: Mapped[str] = mapped_column(Text, info=_WHAT)
    evidence_note: Mapped[str | None] = mapped_column(Text, info=_WHAT)
    found_by: Mapped[str | None] = mapped_column(Text)
    manager_alert: Mapped[str | None] = mapped_column(Text)
    manager_email: Mapped[str | None] = mapped_column(Text, info=_MANAGER)
    not_readable: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """Names of fields that another system sent in a way that cannot be read."""


def _of_report() -> ForeignKey:
    return ForeignKey("report.id", ondelete="CASCADE")


class MisuseReportRow(Base):
    """What only a report of misuse asks."""

    __tablename__ = "misuse_report"

    report_id: Mapped[ReportId] = mapped_column(_of_report(), primary_key=True)
    subject: Mapped[Part] = mapped_column(JSONB, info=_WHO_ABOUT)
    behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text))
    abuse_behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text))
    union_activity: Mapped[str] = mapped_column(Text)
    """Of the activity; whether a person is a member of a union is never asked and never kept (C-j)."""
    account_kind: Mapped[str] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    own_time: Mapped[str] = mapped_column(Text)
    dwp_information: Mapped[str] = mapped_column(Text)
    taken_over: Mapped[str | None] = mapped_column(Text)
    related_reference: Mapped[str | None] = mapped_column(Text)


class SecurityIncidentRow(Base):
    """What only a referral of a security incident asks."""

    __tablename__ = "security_incident"
    __table_args__ = (CheckConstraint("people_affected >= 0", name="people_are_counted"),)

    report_id: Mapped[ReportId] = mapped_column(_of_report(), primary_key=True)
    channel: Mapped[str] = mapped_column(Text)
    effects: Mapped[list[str]] = mapped_column(ARRAY(Text))
    circumstances: Mapped[list[str]] = mapped_column(ARRAY(Text))
    asset_owner: Mapped[str] = mapped_column(Text)
    asset_note: Mapped[str | None] = mapped_column(Text, info=_WHAT)
    discovered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    still_happening: Mapped[str] = mapped_column(Text)
    personal_data: Mapped[str] = mapped_column(Text)
    people_affected: Mapped[int | None] = mapped_column(Integer)
    own_mistake: Mapped[bool] = mapped_column()
    account: Mapped[Part | None] = mapped_column(JSONB(none_as_null=True), info=_WHERE)


class EnquiryRow(Base):
    """What only an enquiry asks."""

    __tablename__ = "enquiry"

    report_id: Mapped[ReportId] = mapped_column(_of_report(), primary_key=True)
    about: Mapped[str] = mapped_column(Text)


class PolicyExceptionRow(Base):
    """What only a request for an exception asks."""

    __tablename__ = "policy_exception"

    report_id: Mapped[ReportId] = mapped_column(_of_report(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    business_case: Mapped[str | None] = mapped_column(Text, info=_WHAT)
    wanted_until: Mapped[date | None] = mapped_column(Date)


class ReportAdditionRow(Base):
    """What a reporter added later, or answered to a team's question."""

    __tablename__ = "report_addition"

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[ReportId] = mapped_column(_of_report(), index=True)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    kind: Mapped[str] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text, info=_ADDED)
    message_id: Mapped[UUID | None] = mapped_column()
    """None for an agreement, and for what earlier versions stored."""
