"""What cases share, and the campaigns that are made of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)
_WHO = personal("who works on your case", retention="case")
_WHAT = personal("what your report has in common with others", retention="case")


class CaseKey(Base):
    """One thing that a case's report names. Made from the report and forgotten in time, so no other table needs it."""

    __tablename__ = "case_key"

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True, info={**_WHAT})
    report_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(_Moment)
    """When the report was submitted."""
    expires_at: Mapped[datetime] = mapped_column(_Moment)

    __table_args__ = (
        CheckConstraint("kind in ('link', 'file', 'text', 'account', 'person', 'ours')", name="kind"),
        Index(None, "kind", "key", "at"),
        Index("ix_case_key_person", "at", "case_id", postgresql_where=text("kind = 'person'")),
        Index(None, "expires_at"),
    )


class CampaignRow(Base):
    """A campaign: suggested by what its cases share, or made by a person."""

    __tablename__ = "campaign"

    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    name: Mapped[str | None] = mapped_column(
        info={**personal("what a team calls reports like yours", retention="case")}
    )
    made_at: Mapped[datetime] = mapped_column(_Moment)
    decided_at: Mapped[datetime | None] = mapped_column(_Moment)
    decided_by: Mapped[str | None] = mapped_column(info={**_WHO})
    """Staff id of who confirmed or dismissed it last."""
    dismissed_until: Mapped[datetime | None] = mapped_column(_Moment)
    version: Mapped[int] = mapped_column(server_default="0")
    """How often people changed it; 0 if only Signpost knows it. From 1 on it has an activity record."""
    teams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """The teams that have, or had, one of its cases: a first sieve for lists."""

    __table_args__ = (
        CheckConstraint("state in ('suggested', 'confirmed', 'dismissed')", name="state"),
        CheckConstraint("(state = 'dismissed') = (dismissed_until is not null)", name="dismissed_for_a_time"),
        CheckConstraint("(state = 'suggested') = (decided_at is null)", name="suggested_is_undecided"),
        CheckConstraint("num_nulls(decided_at, decided_by) in (0, 2)", name="decided_by_a_person"),
        Index(None, "state", "campaign_id"),
        Index(None, "made_at"),
        Index(None, "teams", postgresql_using="gin"),
    )


class CampaignMember(Base):
    """A case in a campaign."""

    __tablename__ = "campaign_member"

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.campaign_id", ondelete="CASCADE"), primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), primary_key=True, index=True)
    state: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(_Moment)

    __table_args__ = (CheckConstraint("state in ('suggested', 'confirmed', 'taken_out')", name="state"),)


class DismissedKey(Base):
    """A key of a dismissed campaign: until then it suggests nothing."""

    __tablename__ = "dismissed_key"

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True, info={**_WHAT})
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.campaign_id", ondelete="CASCADE"), index=True)
    until: Mapped[datetime] = mapped_column(_Moment)

    __table_args__ = (Index(None, "until"),)
