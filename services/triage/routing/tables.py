"""Decisions, with everything needed to explain them and to replay them against another rule book."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base


class StoredDecision(Base):
    """Why a case first went to its team. Facts are classification only."""

    __tablename__ = "decision"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), primary_key=True)
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    rulebook: Mapped[str]
    policy: Mapped[str]
    rule: Mapped[str]
    clause: Mapped[str]
    team: Mapped[str]
    priority: Mapped[str]
    category: Mapped[str]
    sentence: Mapped[str]
    misdirected: Mapped[bool]
    matched: Mapped[list[str]] = mapped_column(ARRAY(Text))
    shadow: Mapped[list[str]] = mapped_column(ARRAY(Text))
    facts: Mapped[dict[str, object]] = mapped_column(JSONB)
    problem: Mapped[str | None]
