"""Take-downs, as they are now. Their steps are in the activity records of their cases."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)
_WHO = personal("who works on your case", retention="case")


class MachineFormRow(Base):
    """A form that a machine reads, about one take-down."""

    __tablename__ = "machine_form"

    form_id: Mapped[UUID] = mapped_column(primary_key=True)
    takedown_id: Mapped[UUID] = mapped_column(ForeignKey("takedown.takedown_id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), index=True)
    protocol: Mapped[str]
    body: Mapped[dict[str, object]] = mapped_column(
        JSONB, info={**personal("what a platform was asked to remove, as a machine reads it", retention="case")}
    )
    made_at: Mapped[datetime] = mapped_column(_Moment)
    made_by: Mapped[str] = mapped_column(info={**_WHO})
    state: Mapped[str]
    attempts: Mapped[int]
    next_at: Mapped[datetime | None] = mapped_column(_Moment)
    sent_at: Mapped[datetime | None] = mapped_column(_Moment)
    answer: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("(state = 'queued') = (next_at is not null)", name="queued_for_a_time"),
        CheckConstraint("(state = 'sent') = (sent_at is not null)", name="sent_at_a_time"),
        Index("ix_machine_form_next", "next_at", postgresql_where=text("next_at is not null")),
        Index(
            "uq_machine_form_once",
            "takedown_id",
            "protocol",
            unique=True,
            postgresql_where=text("state in ('queued', 'sent')"),
        ),
    )


class TakedownRow(Base):
    """One link on one platform."""

    __tablename__ = "takedown"

    takedown_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"))
    platform: Mapped[str]
    link: Mapped[str] = mapped_column(info={**personal("links that a platform was asked to remove", retention="case")})
    link_number: Mapped[int | None]
    category: Mapped[str]
    how: Mapped[str]
    reference: Mapped[str | None] = mapped_column(
        info={**personal("the reference that a platform gave to what it was asked to remove", retention="case")}
    )
    reported_at: Mapped[datetime] = mapped_column(_Moment)
    reported_by: Mapped[str] = mapped_column(info={**_WHO})
    state: Mapped[str]
    chase_at: Mapped[datetime | None] = mapped_column(_Moment)
    due_at: Mapped[datetime] = mapped_column(_Moment)
    chases: Mapped[int]
    chase_due: Mapped[bool]
    overdue: Mapped[bool]
    look_at: Mapped[datetime | None] = mapped_column(_Moment)
    settled_at: Mapped[datetime | None] = mapped_column(_Moment)
    settled_by: Mapped[str | None] = mapped_column(info={**_WHO})

    __table_args__ = (
        UniqueConstraint("case_id", "platform", "link_number"),
        CheckConstraint("link_number >= 1", name="link_number_from_one"),
        CheckConstraint("(state in ('removed', 'refused')) = (settled_at is not null)", name="settled_with_an_answer"),
        CheckConstraint("(settled_at is null) = (settled_by is null)", name="settled_by_someone"),
        CheckConstraint("settled_at is null or look_at is null", name="clocks_end_with_an_answer"),
        Index("ix_takedown_look", "look_at", postgresql_where=text("look_at is not null")),
    )
