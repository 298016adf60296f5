"""Answers that were given, for clients that repeat a request."""

from datetime import datetime

from sqlalchemy import DateTime, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base


class AnswerRow(Base):
    """One answered request: keyed hashes and an encrypted answer, readable only with the client's own key.

    It names no client, subject or report, so that the row of an anonymous report leads to no one.
    """

    __tablename__ = "idempotent_answer"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
