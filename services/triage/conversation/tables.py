"""Reply templates, each version of each. No person who reports is in them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlalchemy import text as condition
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal


class ReplyTemplateRow(Base):
    """One version of a reply template."""

    __tablename__ = "reply_template"

    template_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    team: Mapped[str]
    name: Mapped[str]
    text: Mapped[str]
    owner: Mapped[str] = mapped_column(info={**personal("which lead keeps a text up to date", retention="directory")})
    written_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    current: Mapped[bool]
    """Whether it is offered: the last version of one that was not withdrawn."""
    language: Mapped[str] = mapped_column(server_default="en")

    __table_args__ = (
        CheckConstraint("version >= 1", name="version_from_one"),
        Index("uq_reply_template_current", "template_id", unique=True, postgresql_where=condition("current")),
        Index("ix_reply_template_team", "team", postgresql_where=condition("current")),
    )
