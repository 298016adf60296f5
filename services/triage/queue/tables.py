"""The views of the queue that people keep."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.cases.domain import LONGEST_QUERY
from services.triage.tables import Base
from shared.db.metadata import personal


class SavedViewRow(Base):
    """A view that a person keeps, or a lead for their team. It belongs to no case: it is forgotten after a year.

    It has words that are searched for only if its owner saved a search; then it stays their own.
    """

    __tablename__ = "saved_view"

    view_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    owner: Mapped[str] = mapped_column(info={**personal("who keeps a view of the queue", retention="view")})
    """Staff number of who saved it."""
    team: Mapped[str | None]
    """Whose view it is; None: its owner's own."""
    name: Mapped[str] = mapped_column(info={**personal("what they call it", retention="view")})
    query: Mapped[str] = mapped_column(
        info={**personal("what they look for there, if they saved a search", retention="view")}
    )
    """The query of its address."""
    saved_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        CheckConstraint("version >= 1", name="version_from_one"),
        CheckConstraint(f"length(query) <= {LONGEST_QUERY}", name="an_address"),
        Index("ix_saved_view_owner", "owner", postgresql_where=text("team is null")),
        Index("ix_saved_view_team", "team", postgresql_where=text("team is not null")),
        Index("ix_saved_view_saved_at", "saved_at"),
    )
