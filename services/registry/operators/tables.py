"""Operators, exceptions and removal tasks in PostgreSQL. None of them can belong to a union account (C-j)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.registry.operators.domain import Device, OperatorState
from services.registry.tables import Base
from shared.db.metadata import personal
from shared.events.vocabulary import WithdrawalReason

_STATES = ", ".join(f"'{state}'" for state in OperatorState)
_DEVICES = ", ".join(f"'{device}'" for device in Device)
_REASONS = ", ".join(f"'{reason}'" for reason in WithdrawalReason)


class OperatorRow(Base):
    """A person named to operate an account."""

    __tablename__ = "operator"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "account_class"], ["account.id", "account.account_class"]),
        Index("uq_operator_account_person", "account_id", "staff_id", unique=True),
        Index("ix_operator_staff_id", text("lower(staff_id)")),
        Index("ix_operator_lapses_at", "lapses_at", postgresql_where=text("state = 'authorised'")),
        CheckConstraint("account_class <> 'union'", name="no_union"),
        CheckConstraint(f"state in ({_STATES})", name="state"),
        CheckConstraint(f"device in ({_DEVICES})", name="device"),
        CheckConstraint(f"reason in ({_REASONS})", name="reason"),
        CheckConstraint("(state = 'withdrawn') = (reason is not null)", name="withdrawn_for_a_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    account_class: Mapped[str]
    staff_id: Mapped[str] = mapped_column(info=personal("who operates an account", retention="account"))
    state: Mapped[str]
    wanted: Mapped[bool]
    device: Mapped[str | None]
    reason: Mapped[str | None]
    lapses_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int]
    named_by: Mapped[str] = mapped_column(info=personal("who named an operator", retention="account"))
    named_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ExceptionRow(Base):
    """A dated Security Policy Exception: an operator may use another device (D-pia)."""

    __tablename__ = "security_exception"
    __table_args__ = (
        Index("uq_security_exception_open", "operator_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("ix_security_exception_ends_at", "ends_at", postgresql_where=text("ended_at is null")),
        CheckConstraint("reason <> ''", name="says_why"),
        CheckConstraint("(ended_at is null) = (ended_how is null)", name="ended_somehow"),
        CheckConstraint("ended_how in ('expired', 'ended', 'replaced')", name="ended_how"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), index=True)
    last_day: Mapped[date]
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(info=personal("why an exception was granted", retention="account"))
    granted_by: Mapped[str] = mapped_column(info=personal("who granted an exception", retention="account"))
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_how: Mapped[str | None]


class RemovalRow(Base):
    """An operator's access on the platform itself, open until there is evidence of its removal (S5)."""

    __tablename__ = "removal_task"
    __table_args__ = (
        Index("uq_removal_task_open", "operator_id", unique=True, postgresql_where=text("done_at is null")),
        CheckConstraint(f"because in ({_REASONS})", name="because"),
        CheckConstraint("(done_at is null) = (done_how is null)", name="done_somehow"),
        CheckConstraint("done_how in ('removed', 'authorised_again')", name="done_how"),
        CheckConstraint("done_how is distinct from 'removed' or evidence is not null", name="removed_with_evidence"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), index=True)
    because: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done_how: Mapped[str | None]
    done_by: Mapped[str | None] = mapped_column(info=personal("who removed access", retention="account"))
    evidence: Mapped[str | None] = mapped_column(info=personal("how access was removed", retention="account"))
