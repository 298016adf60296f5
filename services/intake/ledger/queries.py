"""Reads the ledger, and nothing but the ledger."""

from datetime import datetime, time

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.domain import ALERT_DECIDER, CASE_OPENER, GRACE, Reconciliation
from services.intake.ledger.tables import LedgerDeadLetterRow, LedgerRow
from shared.web.times import UK


async def reconcile(session: AsyncSession, now: datetime) -> Reconciliation:
    """Count all reports by their state (promise 5).

    Only what is incomplete is looked at, by its own index; all the rest is complete, and so is merely counted.
    """
    row = LedgerRow
    young = or_(row.accepted_at > now - GRACE, _replayed_since(now - GRACE))
    open_ended = ~_dead_lettered()
    lacking = select(
        func.count().filter(row.published_at.is_(None)),
        func.count().filter(_no_case()),
        func.count().filter(_undecided()),
        func.count().filter(_dead_lettered()),
        func.count().filter(and_(open_ended, young)),
        func.count().filter(and_(open_ended, ~young)),
        func.min(row.accepted_at).filter(and_(open_ended, ~young)),
    )
    accepted = select(func.count()).select_from(row).scalar_subquery()
    found = await session.execute(lacking.add_columns(accepted).where(_incomplete()))
    unpublished, no_case, undecided, dead_lettered, in_flight, unaccounted, oldest, total = found.one()
    return Reconciliation(
        accepted=total,
        published=total - unpublished,
        cases=total - no_case,
        alert_decisions=total - undecided,
        dead_lettered=dead_lettered,
        in_flight=in_flight,
        unaccounted=unaccounted,
        oldest_unaccounted_s=_age(oldest, now),
    )


async def accepted_today(session: AsyncSession, now: datetime) -> int:
    """Return how many reports were accepted since midnight in the United Kingdom."""
    midnight = datetime.combine(now.astimezone(UK).date(), time(), UK)
    return await session.scalar(select(func.count()).where(LedgerRow.accepted_at >= midnight)) or 0


def _age(oldest: datetime | None, now: datetime) -> int:
    return int((now - oldest).total_seconds()) if oldest else 0


def _incomplete() -> ColumnElement[bool]:
    row = LedgerRow
    return or_(row.published_at.is_(None), _no_case(), _undecided())


def _no_case() -> ColumnElement[bool]:
    return LedgerRow.case_at.is_(None)


def _undecided() -> ColumnElement[bool]:
    return LedgerRow.alert_decided_at.is_(None)


def _dead_lettered() -> ColumnElement[bool]:
    """Whether the group that owes what is missing has a dead letter of the report: another's explains nothing."""
    unsettled = LedgerDeadLetterRow.replayed_at.is_(None)
    return and_(
        LedgerRow.published_at.is_not(None),
        or_(~_no_case(), _letter_of(CASE_OPENER, unsettled)),
        or_(~_undecided(), _letter_of(ALERT_DECIDER, unsettled)),
    )


def _replayed_since(moment: datetime) -> ColumnElement[bool]:
    replayed = LedgerDeadLetterRow.replayed_at > moment
    return or_(
        and_(_no_case(), _letter_of(CASE_OPENER, replayed)), and_(_undecided(), _letter_of(ALERT_DECIDER, replayed))
    )


def _letter_of(group: str, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    letter = LedgerDeadLetterRow
    wanted = (letter.report_id == LedgerRow.report_id, letter.group_name == group, condition)
    return exists().where(*wanted).correlate(LedgerRow)
