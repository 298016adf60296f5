"""Bulk actions, and what became of each case in them; both are forgotten after a week."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.bulk.domain import MOST
from services.triage.tables import Base
from shared.db.metadata import personal

_Moment = DateTime(timezone=True)
_Json = JSONB(none_as_null=True)
_WHO = personal("who works on your case", retention="case")


class BulkRow(Base):
    """One bulk action."""

    __tablename__ = "bulk"

    bulk_id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    state: Mapped[str]
    total: Mapped[int]
    asked_by: Mapped[str] = mapped_column(info={**_WHO})
    asked_at: Mapped[datetime] = mapped_column(_Moment)
    finished_at: Mapped[datetime | None] = mapped_column(_Moment)
    undone_at: Mapped[datetime | None] = mapped_column(_Moment)
    team: Mapped[str | None]
    outcome: Mapped[str | None]
    assignee: Mapped[str | None] = mapped_column(info={**_WHO})
    """Who gets the cases; None once it has ended."""
    into: Mapped[str | None]
    """The case that they are merged into."""
    viewer: Mapped[dict[str, object] | None] = mapped_column(_Json, info={**_WHO})
    """What the person may see and do, for the sweep; None while it has nothing to do."""
    words: Mapped[str | None] = mapped_column(info={**personal("notes about your case", retention="case")})
    """The message or the reason; None once it has ended."""
    more: Mapped[bool] = mapped_column(server_default="false")
    """Whether the view that was chosen had more cases than one bulk action takes."""

    __table_args__ = (
        CheckConstraint("state in ('draft', 'running', 'done', 'undoing', 'undone')", name="known_state"),
        CheckConstraint(f"total between 1 and {MOST}", name="some_cases"),
        CheckConstraint("(finished_at is null) = (state in ('draft', 'running'))", name="finished_once"),
        CheckConstraint("(undone_at is null) = (state <> 'undone')", name="undone_once"),
        CheckConstraint(
            "finished_at is null or num_nonnulls(words, assignee) = 0 and (viewer is null or state = 'undoing')",
            name="nothing_kept_of_the_words",
        ),
        Index("ix_bulk_running", "asked_at", postgresql_where=text("state in ('running', 'undoing')")),
        Index("ix_bulk_of_person", "asked_by", "asked_at"),
        Index("ix_bulk_asked_at", "asked_at"),
    )


class BulkItem(Base):
    """One case of a bulk action: to be done, or done once, or refused. It may name a case that is not there."""

    __tablename__ = "bulk_item"

    bulk_id: Mapped[UUID] = mapped_column(ForeignKey("bulk.bulk_id", ondelete="CASCADE"), primary_key=True)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    """The version that the person read."""
    made: Mapped[int | None]
    """The version that the action made."""
    problem: Mapped[str | None]
    """Why it was refused."""
    before: Mapped[dict[str, object] | None] = mapped_column(_Json, info={**_WHO})
    """The fields that the action changed, as they were."""
    clocks: Mapped[list[dict[str, object]] | None] = mapped_column(_Json)
    """The deadlines as they were."""
    follows: Mapped[UUID | None]
    """The chosen case that it is merged into, if it was changed with that one."""
    chosen: Mapped[bool] = mapped_column(server_default="true")
    """Whether the person chose it; otherwise it is there because it follows one that they chose."""
    undo: Mapped[str | None]
    """What came of undoing it: empty if the case is as it was, otherwise why not."""

    __table_args__ = (
        CheckConstraint("num_nonnulls(made, problem) <= 1", name="done_or_refused"),
        CheckConstraint("num_nonnulls(made, before, clocks) in (0, 3)", name="done_with_what_was"),
        CheckConstraint("follows is null or made is not null", name="follows_if_done"),
        CheckConstraint("chosen or follows is not null", name="chosen_or_following"),
        CheckConstraint("undo is null or made is not null", name="undone_if_done"),
        Index(
            "ix_bulk_item_to_do",
            "bulk_id",
            "case_id",
            postgresql_where=text("made is null and problem is null"),
        ),
    )
