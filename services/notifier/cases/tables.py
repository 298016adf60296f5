"""Follow-ups that wait for a report: ids and classification only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.notifier.tables import Base


class FollowUpRow(Base):
    """What to do about a case once its report is known, or has not come in time; deleted once done."""

    __tablename__ = "follow_up"

    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    case_id: Mapped[UUID]
    report_id: Mapped[UUID] = mapped_column(index=True)
    reference: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    report_type: Mapped[str] = mapped_column(Text)
    form: Mapped[str] = mapped_column(Text)
    misdirected: Mapped[bool]
    union_activity: Mapped[bool]
    for_a_manager: Mapped[bool]
    by_a_person: Mapped[bool]
    waits_until: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
