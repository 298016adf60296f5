"""What people were shown on a day. Kept for a month; no page or file lists it by person."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, DateTime
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)


class ExposureRow(Base):
    """How often, and for how long, content of a team's cases was shown to one person on one UK day."""

    __tablename__ = "exposure"

    day: Mapped[date] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(
        primary_key=True, info={**personal("how much upsetting content you were shown on a day", retention="exposure")}
    )
    team: Mapped[str] = mapped_column(primary_key=True)
    items: Mapped[int]
    seconds: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(_Moment)


class ExposureRequest(Base):
    """A person's request of a team's leads to see more content on a day than is good for them, and who let them."""

    __tablename__ = "exposure_request"

    day: Mapped[date] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(
        primary_key=True, info={**personal("that you asked to see more content", retention="exposure")}
    )
    team: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(_Moment)
    allowed_at: Mapped[datetime | None] = mapped_column(_Moment)
    allowed_by: Mapped[str | None] = mapped_column(
        info={**personal("which lead let someone see more content", retention="exposure")}
    )

    __table_args__ = (
        CheckConstraint("num_nulls(allowed_at, allowed_by) in (0, 2)", name="allowed_as_a_whole"),
        CheckConstraint("allowed_by <> subject", name="allowed_by_another"),
    )
