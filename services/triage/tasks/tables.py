"""Tasks, support and answers of the threat protocol, as they are now; activity records say how they came about."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ColumnElement, DateTime, ForeignKey, Index, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)
_WHO = personal("who works on your case", retention="case")
WAITING = "done_at is null and listed_for is not null"
"""The tasks that lists show."""
NOT_DONE = f"{WAITING} and not overdue"
"""The tasks whose time the sweep watches; its index needs the same words."""
OF_KIND = "code not in ('', 'chase', 'platform_silent', 'send_by_hand', 'follow_up')"
"""The tasks that a case has by its kind, each once."""


def not_done() -> ColumnElement[bool]:
    """Return the condition of the index of tasks that are due."""
    return literal_column(NOT_DONE, Boolean)


class TaskRow(Base):
    """One task."""

    __tablename__ = "task"

    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), index=True)
    code: Mapped[str]
    title: Mapped[str] = mapped_column(info={**personal("what is to be done about your case", retention="case")})
    assignee: Mapped[str | None] = mapped_column(info={**_WHO})
    due_at: Mapped[datetime | None] = mapped_column(_Moment)
    about: Mapped[UUID | None]
    made_at: Mapped[datetime] = mapped_column(_Moment)
    made_by: Mapped[str] = mapped_column(info={**_WHO})
    done_at: Mapped[datetime | None] = mapped_column(_Moment)
    done_by: Mapped[str | None] = mapped_column(info={**_WHO})
    overdue: Mapped[bool]
    listed_for: Mapped[str | None]
    """The facet of those who see it in their lists; None: its work ended with the case, or nothing is said of it."""

    __table_args__ = (
        CheckConstraint("code <> '' or title <> ''", name="says_what"),
        CheckConstraint("(done_at is null) = (done_by is null)", name="done_by_someone"),
        CheckConstraint("done_at is null or not overdue", name="done_is_not_overdue"),
        Index("ix_task_due", "due_at", postgresql_where=text(NOT_DONE)),
        Index("ix_task_listed", "listed_for", "due_at", "task_id", postgresql_where=text(WAITING)),
        Index("uq_task_of_kind", "case_id", "code", unique=True, postgresql_where=text(OF_KIND)),
        Index("ix_task_of_person", text("lower(assignee)"), postgresql_where=text(WAITING)),
    )


class SupportRow(Base):
    """The support that a person was offered about a case."""

    __tablename__ = "support"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), primary_key=True)
    state: Mapped[str] = mapped_column(info={**personal("whether you were offered support", retention="case")})
    offered_at: Mapped[datetime] = mapped_column(_Moment)
    offered_by: Mapped[str] = mapped_column(info={**_WHO})
    answered_at: Mapped[datetime | None] = mapped_column(_Moment)
    answered_by: Mapped[str | None] = mapped_column(info={**_WHO})
    follow_up_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint("(state = 'offered') = (answered_at is null)", name="answered_once_accepted_or_declined"),
        CheckConstraint("(answered_at is null) = (answered_by is null)", name="answered_by_someone"),
    )


class ThreatRecordRow(Base):
    """One answer of the protocol for a threat to life."""

    __tablename__ = "threat_record"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.case_id"), index=True)
    at: Mapped[datetime] = mapped_column(_Moment)
    by: Mapped[str] = mapped_column(info={**_WHO})
    threat: Mapped[bool] = mapped_column(info={**personal("whether your life was threatened", retention="case")})
    rung: Mapped[str | None]
    rung_at: Mapped[datetime | None] = mapped_column(_Moment)
    police_reference: Mapped[str | None] = mapped_column(info={**personal("the police reference", retention="case")})

    __table_args__ = (
        CheckConstraint("threat = (rung is not null)", name="someone_was_rung"),
        CheckConstraint("(rung is null) = (rung_at is null)", name="rung_at_a_time"),
        CheckConstraint("rung_at <= at", name="rung_before_it_was_recorded"),
    )
