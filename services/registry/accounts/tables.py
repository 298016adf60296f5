"""Accounts, compromises and reviews in PostgreSQL. The database enforces the rules of the domain too."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.accounts.domain import ReviewOutcome, Vetting
from services.registry.tables import Base
from shared.db.metadata import personal
from shared.events.vocabulary import AccountClass, AccountStatus


def _one_of(column: str, values: type[AccountClass | AccountStatus | Vetting]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({listed})"


class AccountRow(Base):
    """One account, live or closed."""

    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform: Mapped[str]
    handle: Mapped[str] = mapped_column(info=personal("the handle of an account", retention="account"))
    account_class: Mapped[str]
    status: Mapped[str]
    official_use: Mapped[bool]
    title: Mapped[str | None]
    owner: Mapped[str | None] = mapped_column(info=personal("who answers for an account", retention="account"))
    approved_person: Mapped[str | None] = mapped_column(
        info=personal("who may use a professional individual account", retention="account")
    )
    next_review_on: Mapped[date | None]
    checks_due_on: Mapped[date | None]
    vetting_required: Mapped[str | None]
    declared_by: Mapped[str | None] = mapped_column(info=personal("who declared an account", retention="account"))
    to_confirm: Mapped[bool] = mapped_column(server_default="false")
    """Whether someone still has to record that it exists and is ours; older releases leave it out."""
    review_announced_on: Mapped[date | None]
    """The due date of the last review that was published."""
    version: Mapped[int]
    registered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        # S4, S9: one handle never serves two purposes
        Index("uq_account_live_handle", "platform", "handle", unique=True, postgresql_where=text("status <> 'closed'")),
        Index("ix_account_register", "platform", "handle", "id"),
        Index("ix_account_next_review_on", "next_review_on", postgresql_where=text("status <> 'closed'")),
        # Rows of other tables repeat the account's class, so that their own constraints can keep union accounts out.
        UniqueConstraint("id", "account_class"),
        CheckConstraint("platform <> '' and handle <> ''", name="named"),
        CheckConstraint(_one_of("account_class", AccountClass), name="class"),
        CheckConstraint(_one_of("status", AccountStatus), name="status"),
        # C-j: no record can show who is a member of a union
        CheckConstraint(
            "account_class <> 'union' or (status in ('live', 'closed') and num_nonnulls(title, owner, approved_person, "
            "next_review_on, checks_due_on, vetting_required, declared_by, review_announced_on) = 0)",
            name="union_keeps_handle_only",
        ),
        CheckConstraint(
            "case account_class when 'linkedin' then true when 'union' then not official_use else official_use end",
            name="use_fits_class",
        ),
        CheckConstraint(
            "account_class <> 'professional_individual' or approved_person is not null", name="approved_person"
        ),
        CheckConstraint(_one_of("vetting_required", Vetting), name="vetting"),
        CheckConstraint("account_class <> 'linkedin' or platform = 'linkedin'", name="linkedin_is_on_linkedin"),
        CheckConstraint("status <> 'legacy' or checks_due_on is not null", name="legacy_has_a_date"),
        # S7: no account is live, and so official, before someone recorded that it exists and is ours
        CheckConstraint(
            "case status when 'live' then not to_confirm when 'approved' then to_confirm else true end",
            name="live_is_confirmed",
        ),
    )


class CompromiseRow(Base):
    """SIRT confirmed that an attacker controls the account."""

    __tablename__ = "compromise"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "account_class"], ["account.id", "account.account_class"]),
        # The same confirmation received twice is stored once.
        UniqueConstraint("account_id", "case_id", "confirmed_at"),
        CheckConstraint("account_class <> 'union'", name="no_union"),
        CheckConstraint("(recovered_at is null) = (recovered_by is null)", name="recovered_by_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    account_class: Mapped[str]
    case_id: Mapped[UUID]
    reference: Mapped[str]
    confirmed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recovered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recovered_by: Mapped[str | None] = mapped_column(info=personal("who recovered an account", retention="account"))


_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in ReviewOutcome)


class ReviewRow(Base):
    """One review of an account."""

    __tablename__ = "review"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "account_class"], ["account.id", "account.account_class"]),
        Index("ix_review_account", "account_id", "reviewed_at"),
        CheckConstraint("account_class <> 'union'", name="no_union"),
        CheckConstraint(f"outcome in ({_OUTCOMES})", name="outcome"),
        CheckConstraint("reason <> ''", name="says_why"),
        CheckConstraint("(outcome = 'close') = (evidence is not null)", name="closed_with_evidence"),
        CheckConstraint("(outcome = 'close') = (next_on is null)", name="next_unless_closed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    account_class: Mapped[str]
    due_on: Mapped[date | None]
    outcome: Mapped[str]
    reason: Mapped[str] = mapped_column(info=personal("why an account is kept or closed", retention="account"))
    evidence: Mapped[str | None] = mapped_column(
        info=personal("the evidence that an account is gone", retention="account")
    )
    next_on: Mapped[date | None]
    reviewed_by: Mapped[str] = mapped_column(info=personal("who reviewed an account", retention="account"))
    reviewed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
