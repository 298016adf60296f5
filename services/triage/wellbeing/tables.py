"""Outcomes that a second person decides too, and cases that were handed over, no questions asked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)
_WHO = personal("who works on your case", retention="case")
_WAITS = text("decided_at is null")


class SecondReviewRow(Base):
    """One second review. A case has at most one that waits."""

    __tablename__ = "second_review"

    review_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), index=True)
    resolution: Mapped[int]
    team: Mapped[str]
    outcome: Mapped[str]
    why: Mapped[str]
    chosen_at: Mapped[datetime] = mapped_column(_Moment)
    resolved_by: Mapped[str | None] = mapped_column(info={**_WHO})
    decided_at: Mapped[datetime | None] = mapped_column(_Moment)
    decided_by: Mapped[str | None] = mapped_column(info={**_WHO})
    second_outcome: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("num_nulls(decided_at, decided_by, second_outcome) in (0, 3)", name="decided_as_a_whole"),
        CheckConstraint("lower(decided_by) <> lower(resolved_by)", name="decided_by_another"),
        Index("uq_second_review_waiting", "case_id", unique=True, postgresql_where=_WAITS),
        Index("ix_second_review_waiting", "team", "chosen_at", "review_id", postgresql_where=_WAITS),
        Index("ix_second_review_decided", "team", "decided_at", postgresql_where=text("decided_at is not null")),
    )


class HandOver(Base):
    """A case that someone handed over, no questions asked. The record of the case says only that it was released."""

    __tablename__ = "hand_over"

    hand_over_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"))
    team: Mapped[str]
    subject: Mapped[str] = mapped_column(info={**personal("that you handed a case over", retention="exposure")})
    at: Mapped[datetime] = mapped_column(_Moment)
    seen_at: Mapped[datetime | None] = mapped_column(_Moment)
    seen_by: Mapped[str | None] = mapped_column(
        info={**personal("which lead was told that someone handed a case over", retention="exposure")}
    )

    __table_args__ = (
        CheckConstraint("num_nulls(seen_at, seen_by) in (0, 2)", name="seen_as_a_whole"),
        Index("ix_hand_over_unseen", "team", "at", postgresql_where=text("seen_at is null")),
        Index("ix_hand_over_at", "at"),
    )
