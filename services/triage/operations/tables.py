"""The figures of operations and the facts behind them: ids, times and classification, never a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.triage.tables import Base

_Moment = DateTime(timezone=True)


class CountedReport(Base):
    """What a report adds to the figures."""

    __tablename__ = "counted_report"

    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    submitted_at: Mapped[datetime | None] = mapped_column(_Moment)
    team: Mapped[str] = mapped_column(server_default="")
    """Of its first case."""
    platform: Mapped[str | None]
    behaviours: Mapped[list[str]] = mapped_column(ARRAY(Text))
    misdirected: Mapped[bool]
    resolved: Mapped[bool]
    decided: Mapped[bool]
    anybody: Mapped[bool]
    sent: Mapped[bool]
    acknowledged: Mapped[bool]


class CountedCase(Base):
    """What a case adds to the figures."""

    __tablename__ = "counted_case"

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID]
    team: Mapped[str]
    submitted_at: Mapped[datetime] = mapped_column(_Moment)
    opened_at: Mapped[datetime] = mapped_column(_Moment)
    finished: Mapped[bool]
    merged: Mapped[bool] = mapped_column(server_default="false")
    first_action_at: Mapped[datetime | None] = mapped_column(_Moment)
    resolved_at: Mapped[datetime | None] = mapped_column(_Moment)
    missed: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Missed deadlines: `due_at|kind|team`."""
    reviews: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """Outcomes to be looked at again: `asked_at|due_at|what came of it`."""


class CountedTakedown(Base):
    """What a take-down adds to the figures, for the team that has its case."""

    __tablename__ = "counted_takedown"

    takedown_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    platform: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(_Moment)
    came_of: Mapped[str]
    removed_at: Mapped[datetime | None] = mapped_column(_Moment)


class FigureRow(Base):
    """One number, updated with each event, so that no page has to count."""

    __tablename__ = "figure"

    figure: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(_Moment, primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_figure_nothing", "at", postgresql_where=text("n = 0")),)


class LedgerFigures(Base):
    """The newest figures of intake's ledger: one row."""

    __tablename__ = "ledger_figures"

    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(_Moment)
    accepted: Mapped[int]
    published: Mapped[int]
    cases: Mapped[int]
    alert_decisions: Mapped[int]
    dead_lettered: Mapped[int]
    in_flight: Mapped[int]
    unaccounted: Mapped[int]
    oldest_unaccounted_s: Mapped[int | None]


class KnownDeadLetter(Base):
    """A dead letter of any service."""

    __tablename__ = "known_dead_letter"

    dead_letter_id: Mapped[UUID] = mapped_column(primary_key=True)
    group_name: Mapped[str]
    topic: Mapped[str]
    error_class: Mapped[str]
    recorded_at: Mapped[datetime | None] = mapped_column(_Moment)
    settled_at: Mapped[datetime | None] = mapped_column(_Moment)

    __table_args__ = (
        Index("ix_known_dead_letter_open", "group_name", "recorded_at", postgresql_where=text("settled_at is null")),
    )


class OverdueSteps(Base):
    """What the auditor of a service found last."""

    __tablename__ = "overdue_steps"

    service: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(_Moment)
    steps: Mapped[list[dict[str, object]]] = mapped_column(JSONB)


class FigureVersion(Base):
    """Rises whenever a figure changes; live pages check it."""

    __tablename__ = "figure_version"

    key: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
