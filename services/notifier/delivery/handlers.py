"""Takes deliveries in, claims due ones, and records how attempts ended."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.delivery import domain
from services.notifier.delivery.tables import AttemptRow, DeliveryRow
from shared.ids import AlertId, Ids, ReportId

OnSettled = Callable[[AsyncSession, Sequence[domain.Settled], datetime], Awaitable[None]]
"""Learns of ended attempts, in the transaction that records them."""
DUE = "notifier_delivery_due"
"""The PostgreSQL notification that wakes delivery loops when a transaction that enqueued something commits."""
_NEW_DELIVERY = TypeAdapter(domain.NewDelivery)


@dataclass(frozen=True, slots=True)
class DeliveryTimes:
    """How long an attempt may stay open, and how long failures are retried."""

    lease: timedelta
    give_up_after: timedelta


async def enqueue(session: AsyncSession, deliveries: Sequence[domain.NewDelivery], now: datetime) -> None:
    """Store `deliveries`, due now; the loops wake when the transaction commits."""
    if not deliveries:
        return
    await session.execute(insert(DeliveryRow), [_new_row(delivery, now) for delivery in deliveries])
    await session.execute(select(func.pg_notify(DUE, "")))


async def claim(
    session: AsyncSession,
    *,
    worker: int,
    limit: int,
    lease: timedelta,
    now: datetime,
    ids: Ids,
    sending: Collection[UUID] = (),
) -> list[domain.Attempt]:
    """Open an attempt for up to `limit` due deliveries; nothing may be sent before this has committed.

    A delivery whose last attempt is still open was left by a crash: what is sent now may be a repeat. Those that this
    process is `sending` were not: their result is still to be recorded, however late.
    """
    due = (
        select(DeliveryRow)
        .where(_is_due(now), DeliveryRow.delivery_id.not_in(sending))
        .order_by(DeliveryRow.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = (await session.scalars(due)).all()
    if not rows:
        return []
    left_open = await _abandon_open_attempts(session, [row.delivery_id for row in rows], now)
    attempts = [_open_attempt(row, lease, now, ids, left_open=row.delivery_id in left_open) for row in rows]
    await session.execute(insert(AttemptRow), [_attempt_row(attempt, worker, now) for attempt in attempts])
    return attempts


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Return what is to be sent now, also what was due or to be retried by a clock that has since been set back."""
    put_off = or_(DeliveryRow.attempts == 0, DeliveryRow.due_at > now + domain.NO_WAIT_IS_LONGER)
    return and_(
        DeliveryRow.due_at.is_not(None),
        or_(DeliveryRow.due_at <= now, and_(DeliveryRow.state == domain.DeliveryState.WAITING.value, put_off)),
    )


async def workers_gone(session: AsyncSession) -> set[int]:
    """Return which workers have attempts open and do not live.

    A living process holds the advisory lock `worker` on a connection of its own; whose lock can be had is gone, or has
    lost that connection and is about to come back.
    """
    workers = (await session.scalars(select(AttemptRow.worker).where(AttemptRow.ended_at.is_(None)).distinct())).all()
    return {worker for worker in workers if await session.scalar(select(func.pg_try_advisory_xact_lock(worker)))}


async def release_abandoned(session: AsyncSession, gone: Collection[int], now: datetime) -> int:
    """Make due what these workers have left open; returns how many deliveries that was."""
    if not gone:
        return 0
    left_open = select(AttemptRow.delivery_id).where(AttemptRow.worker.in_(gone), AttemptRow.ended_at.is_(None))
    released = await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.delivery_id.in_(left_open), DeliveryRow.due_at > now)
        .values(due_at=now)
        .returning(DeliveryRow.delivery_id)
    )
    return len(released.all())


async def settle(
    session: AsyncSession, results: Mapping[UUID, domain.SendResult], *, times: DeliveryTimes, now: datetime
) -> list[domain.Settled]:
    """Record how attempts ended (by attempt id) and decide what follows. An result may come late or twice."""
    found = await session.execute(
        select(AttemptRow, DeliveryRow)
        .join(DeliveryRow, DeliveryRow.delivery_id == AttemptRow.delivery_id)
        .where(AttemptRow.attempt_id.in_(results.keys()))
        .order_by(DeliveryRow.delivery_id)
        .with_for_update()
    )
    settled = [
        _settle_one(attempt, delivery, results[attempt.attempt_id], times, now)
        for attempt, delivery in found.all()
        if attempt.outcome is None or attempt.outcome == domain.SendResultKind.ABANDONED
    ]
    await session.flush()
    return settled


async def drop_reminders(session: AsyncSession, alert_ids: Collection[AlertId]) -> None:
    """Send no more reminders of these alerts; one that is being sent just now may still arrive.

    What another transaction has locked is being claimed or settled; the one that settles it asks again.
    """
    if not alert_ids:
        return
    free = (
        select(DeliveryRow.delivery_id)
        .where(
            DeliveryRow.alert_id.in_(alert_ids),
            DeliveryRow.kind == domain.DeliveryKind.REMINDER.value,
            DeliveryRow.due_at.is_not(None),
        )
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.delivery_id.in_(free.scalar_subquery()))
        .values(state=domain.DeliveryState.ENDED.value, due_at=None)
        .execution_options(synchronize_session=False)
    )


def settled_of(
    delivery: DeliveryRow, attempt: AttemptRow, result: domain.SendResultKind, *, afterwards: bool = False
) -> domain.Settled:
    """Return what the rest of notifier learns of this attempt's end."""
    return domain.Settled(
        alert_id=AlertId(delivery.alert_id),
        report_id=ReportId(delivery.report_id) if delivery.report_id else None,
        kind=domain.DeliveryKind(delivery.kind),
        channel=delivery.channel,
        attempt=attempt.number,
        result=result,
        possible_repeat=attempt.possible_repeat,
        asked_at=delivery.asked_at,
        ended=delivery.state == domain.DeliveryState.ENDED,
        afterwards=afterwards,
    )


def _settle_one(
    attempt: AttemptRow, delivery: DeliveryRow, result: domain.SendResult, times: DeliveryTimes, now: datetime
) -> domain.Settled:
    was_current = attempt.outcome is None
    attempt.ended_at, attempt.outcome, attempt.code = now, result.kind.value, result.code
    attempt.provider_id = result.provider_id
    delivery.may_repeat = delivery.may_repeat or result.unsure
    accepted = result.kind is domain.SendResultKind.ACCEPTED
    if delivery.state != domain.DeliveryState.ACCEPTED and (was_current or accepted):
        step = domain.next_step(
            result.kind,
            number=attempt.number,
            first_tried_at=delivery.first_tried_at or now,
            now=now,
            give_up_after=times.give_up_after,
            last_resort=delivery.last_resort,
        )
        delivery.state, delivery.due_at = step.state.value, step.due_at
    return settled_of(delivery, attempt, result.kind)


async def _abandon_open_attempts(session: AsyncSession, deliveries: Sequence[UUID], now: datetime) -> set[UUID]:
    abandoned = await session.scalars(
        update(AttemptRow)
        .where(AttemptRow.delivery_id.in_(deliveries), AttemptRow.ended_at.is_(None))
        .values(ended_at=now, outcome=domain.SendResultKind.ABANDONED.value)
        .returning(AttemptRow.delivery_id)
    )
    return set(abandoned)


def _open_attempt(row: DeliveryRow, lease: timedelta, now: datetime, ids: Ids, *, left_open: bool) -> domain.Attempt:
    row.may_repeat = row.may_repeat or left_open
    row.attempts += 1
    row.state = domain.DeliveryState.SENDING.value
    row.first_tried_at = row.first_tried_at or now
    row.due_at = now + lease
    return domain.Attempt(
        attempt_id=ids.uuid(),
        delivery_id=row.delivery_id,
        alert_id=AlertId(row.alert_id),
        report_id=ReportId(row.report_id) if row.report_id else None,
        kind=domain.DeliveryKind(row.kind),
        channel=row.channel,
        recipient=row.recipient,
        notice=row.notice,
        number=row.attempts,
        possible_repeat=row.may_repeat,
    )


def _new_row(delivery: domain.NewDelivery, now: datetime) -> dict[str, object]:
    state = {"state": domain.DeliveryState.WAITING.value, "attempts": 0, "may_repeat": False}
    return {**_NEW_DELIVERY.dump_python(delivery), **state, "created_at": now, "due_at": now}


def _attempt_row(attempt: domain.Attempt, worker: int, now: datetime) -> dict[str, object]:
    return {
        "attempt_id": attempt.attempt_id,
        "delivery_id": attempt.delivery_id,
        "number": attempt.number,
        "worker": worker,
        "possible_repeat": attempt.possible_repeat,
        "started_at": now,
    }
