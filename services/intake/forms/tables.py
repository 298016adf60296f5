"""Drafts: a hash of the cookie, encrypted answers, and when they expire."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base
from shared.db.metadata import personal


class DraftRow(Base):
    """A half-filled form. Without its cookie or its code no one can read it, the service included."""

    __tablename__ = "draft"
    __table_args__ = (CheckConstraint("(code_hash is null) = (cookie_sealed is null)", name="saved"),)

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(
        LargeBinary, info=personal("the answers of a form you have not sent, encrypted", retention="draft")
    )
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    cookie_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The cookie's secret, encrypted under the code with which its owner comes back later."""
