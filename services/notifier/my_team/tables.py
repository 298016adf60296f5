"""Who has acknowledged what, and when."""

from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base
from shared.db.metadata import personal


class AcknowledgedDocumentRow(Base):
    """One document, in one version of the policy, acknowledged once by one person."""

    __tablename__ = "acknowledged_document"

    staff_id: Mapped[str] = mapped_column(
        Text, primary_key=True, info=personal("which rules you said you have read", retention="directory")
    )
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
