"""Requests and delegations in PostgreSQL. The database enforces the rules of the domain too."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.approvals.domain import OPEN, REQUESTED_CLASSES, About, RequestState
from services.registry.tables import Base
from shared.db.metadata import personal

_STATES = ", ".join(f"'{state}'" for state in RequestState)
_OPEN = ", ".join(f"'{state}'" for state in RequestState if state in OPEN)
_CLASSES = ", ".join(f"'{kind}'" for kind in REQUESTED_CLASSES)
_ABOUT = ", ".join(f"'{about}'" for about in About)


class RequestRow(Base):
    """One request for an account."""

    __tablename__ = "account_request"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(index=True)
    about: Mapped[str]
    state: Mapped[str]
    platform: Mapped[str]
    handle: Mapped[str] = mapped_column(info=personal("the handle of an account asked for", retention="account"))
    account_class: Mapped[str]
    title: Mapped[str | None]
    owner: Mapped[str] = mapped_column(info=personal("who is to answer for an account", retention="account"))
    approved_person: Mapped[str | None] = mapped_column(
        info=personal("who is to use an individual's account", retention="account")
    )
    vetting_required: Mapped[str | None]
    requirement: Mapped[str] = mapped_column(info=personal("why an account is needed", retention="account"))
    purpose: Mapped[str] = mapped_column(info=personal("what an account is for", retention="account"))
    requested_by: Mapped[str] = mapped_column(info=personal("who asked for an account", retention="account"))
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int]
    new_platform: Mapped[bool]
    cleared_by: Mapped[str | None] = mapped_column(info=personal("who cleared a platform", retention="account"))
    reason: Mapped[str | None] = mapped_column(info=personal("why a request was not approved", retention="account"))
    relevance: Mapped[str | None] = mapped_column(info=personal("why an approver is relevant", retention="account"))
    decided_by: Mapped[str | None] = mapped_column(info=personal("who decided on a request", retention="account"))
    on_behalf_of: Mapped[str | None] = mapped_column(info=personal("whose proxy decided", retention="account"))

    __table_args__ = (
        Index(
            "uq_account_request_open_handle",
            "platform",
            "handle",
            unique=True,
            postgresql_where=text(f"state in ({_OPEN})"),
        ),
        Index("ix_account_request_changed_at", "changed_at", "id"),
        CheckConstraint(f"state in ({_STATES})", name="state"),
        CheckConstraint(f"about in ({_ABOUT})", name="about"),
        # D-personal, C-j: neither a personal account nor a union's can be requested
        CheckConstraint(f"account_class in ({_CLASSES})", name="class"),
        # S7: a requirement, an approver who states why they are the relevant one, and two people
        CheckConstraint("requirement <> '' and purpose <> '' and owner <> ''", name="says_why"),
        CheckConstraint(
            "state <> 'approved' or (decided_by is not null and relevance is not null)", name="approved_by_somebody"
        ),
        CheckConstraint(
            "(decided_by is null or decided_by <> requested_by) "
            "and (on_behalf_of is null or on_behalf_of <> requested_by)",
            name="two_people",
        ),
        CheckConstraint("new_platform or cleared_by is null", name="cleared_where_new"),
    )


class ApproverRow(Base):
    """An approver who named a proxy; the exclusion constraint uses their number."""

    __tablename__ = "approver"

    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    staff_id: Mapped[str] = mapped_column(unique=True, info=personal("who approves accounts", retention="account"))


class DelegationRow(Base):
    """A dated delegation; no approver has two proxies on one day."""

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("not isempty(period) and not upper_inf(period)", name="dated"),
        # Ranges of one number stand in for equality, which gist supports only with btree_gist.
        ExcludeConstraint(
            (text("int8range(approver_number, approver_number, '[]')"), "&&"),
            ("period", "&&"),
            using="gist",
            where=text("ended_at is null"),
            name="ex_delegation_one_proxy_a_day",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    approver_number: Mapped[int] = mapped_column(ForeignKey("approver.number"), index=True)
    proxy: Mapped[str] = mapped_column(index=True, info=personal("who stands in for an approver", retention="account"))
    period: Mapped[Range[date]] = mapped_column(DATERANGE)
    reason: Mapped[str] = mapped_column(info=personal("why an approver has a proxy", retention="account"))
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
