"""Which events of other systems were taken."""

from datetime import datetime

from sqlalchemy import DateTime, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.tables import Base
from shared.ids import ReportId


class InboundEventRow(Base):
    """An event that was taken once, whichever way it came, and what it became. Nothing of what it said."""

    __tablename__ = "inbound_event"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of its source and id: others may put anything into an id."""
    source_id: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    report_id: Mapped[ReportId | None] = mapped_column()
    reference: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
