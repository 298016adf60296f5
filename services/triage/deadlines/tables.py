"""Deadlines of cases."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base

_Moment = DateTime(timezone=True)
_UNWARNED = "met_at is null and paused_at is null and missed_at is null"
"""The deadlines that run and were not missed."""


class DeadlineRow(Base):
    """One deadline of a case. A restart replaces its row; what happened to it is in the case's activities."""

    __tablename__ = "deadline"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(_Moment)
    due_at: Mapped[datetime] = mapped_column(_Moment)
    at_risk_at: Mapped[datetime] = mapped_column(_Moment)
    round_the_clock: Mapped[bool]
    paused_at: Mapped[datetime | None] = mapped_column(_Moment)
    met_at: Mapped[datetime | None] = mapped_column(_Moment)
    at_risk_told_at: Mapped[datetime | None] = mapped_column(_Moment)
    missed_at: Mapped[datetime | None] = mapped_column(_Moment)

    __table_args__ = (Index("ix_deadline_unwarned", "at_risk_at", postgresql_where=text(_UNWARNED)),)
