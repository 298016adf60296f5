"""Requests to look at an outcome again. Their reasons are notes of the cases."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)
_WHO = personal("who works on your case", retention="case")


class OutcomeReview(Base):
    """One request. Its key is the outcome, so that no outcome is looked at twice."""

    __tablename__ = "outcome_review"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), primary_key=True)
    resolution: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(_Moment)
    due_at: Mapped[datetime] = mapped_column(_Moment)
    note_id: Mapped[UUID]
    resolved_by: Mapped[str | None] = mapped_column(info={**_WHO})
    decided_at: Mapped[datetime | None] = mapped_column(_Moment)
    decided_by: Mapped[str | None] = mapped_column(info={**_WHO})
    result: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("num_nulls(decided_at, decided_by, result) in (0, 3)", name="decided_as_a_whole"),
        CheckConstraint("lower(decided_by) <> lower(resolved_by)", name="decided_by_another"),
    )
