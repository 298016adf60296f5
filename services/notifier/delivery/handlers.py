"""Deliveries: enqueued, claimed by one worker, attempted until they end, and settled by a result or a receipt."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.delivery import domain
from services.notifier.delivery.tables import AttemptRow, DeliveryRow, ReceiptRow
from shared.ids import AlertId, Ids, ReportId

OnSettled = Callable[[AsyncSession, Sequence[domain.Settled], datetime], Awaitable[None]]
"""Gets finished attempts, in the transaction that records them."""
OnDelivered = Callable[[AsyncSession, domain.Settled, datetime], Awaitable[None]]
"""Is told that the provider delivered a message, in the transaction that records it."""
DUE = "notifier_delivery_due"
"""The PostgreSQL notification that wakes delivery loops when a transaction with new deliveries commits."""
_DELIVERED = "delivered"
_NEW_DELIVERY = TypeAdapter(domain.NewDelivery)


class NotRecordedYet(Exception):
    """The message is just being handed over; the provider must send the receipt again."""


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

    A delivery with an open attempt was left by a crash, so the new attempt may be a repeat. The deliveries that this
    process is `sending` are excepted: their result is still to be recorded, however late.
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
    """Return what is to be sent now.

    That includes what waits only because the clock was set back after its time was written: a first attempt, and a
    retry that is further away than any wait.
    """
    put_off = or_(DeliveryRow.attempts == 0, DeliveryRow.due_at > now + domain.NO_WAIT_IS_LONGER)
    return and_(
        DeliveryRow.due_at.is_not(None),
        or_(DeliveryRow.due_at <= now, and_(DeliveryRow.state == domain.DeliveryState.WAITING.value, put_off)),
    )


async def workers_gone(session: AsyncSession) -> set[int]:
    """Return which workers have open attempts but are not alive.

    A living process holds the advisory lock `worker` on its own connection. A worker whose lock is free is gone, or has
    lost that connection and will soon be back.
    """
    workers = (await session.scalars(select(AttemptRow.worker).where(AttemptRow.ended_at.is_(None)).distinct())).all()
    return {worker for worker in workers if await session.scalar(select(func.pg_try_advisory_xact_lock(worker)))}


async def release_abandoned(session: AsyncSession, gone: Collection[int], now: datetime) -> int:
    """Make deliveries that these workers left open due; return how many."""
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
    """Record how attempts ended (by attempt id) and decide what follows. A result may come late or twice."""
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
    """Send no more reminders for these alerts; one that is just being sent may still arrive.

    Rows locked by another transaction are being claimed or settled; the process that settles them checks again.
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
    """Return what the rest of notifier gets about this finished attempt."""
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """One status of one message, as reported by its provider."""

    provider_id: str
    alert_id: AlertId
    """From our reference."""
    kind: domain.DeliveryKind
    result: domain.SendResultKind
    """`accepted` if it was delivered, else how it failed."""

    @property
    def status(self) -> str:
        """Return the status in stored form."""
        return _DELIVERED if self.result is domain.SendResultKind.ACCEPTED else self.result.value


@dataclass(frozen=True, slots=True)
class DeliveryReceipts:
    """Applies receipts to their deliveries and to the alerts of those."""

    on_settled: OnSettled
    """Is told about a message that failed after the provider accepted it."""
    on_delivered: OnDelivered
    times: DeliveryTimes
    token: bytes | None
    """The bearer token that Notify must send; None if no receipts are accepted."""

    async def take(self, session: AsyncSession, receipt: Receipt, now: datetime) -> None:
        """Apply `receipt`, however late and however often it comes.

        Raises:
            NotRecordedYet: it came before we recorded that the provider accepted the message.
        """
        settled = await receive(session, receipt, now, times=self.times)
        if settled is None:
            return
        if receipt.result is domain.SendResultKind.ACCEPTED:
            await self.on_delivered(session, settled, now)
        else:
            await self.on_settled(session, [settled], now)


async def receive(
    session: AsyncSession, receipt: Receipt, now: datetime, *, times: DeliveryTimes
) -> domain.Settled | None:
    """Apply a receipt; return None if it changes nothing: a repeat, about another attempt, or after delivery.

    Raises:
        NotRecordedYet: the attempt is still open.
    """
    delivery = await session.scalar(
        select(DeliveryRow)
        .where(DeliveryRow.alert_id == receipt.alert_id, DeliveryRow.kind == receipt.kind.value)
        .with_for_update()
    )
    if delivery is None:
        return None
    attempt = await _attempt(session, delivery.delivery_id, receipt.provider_id)
    if attempt is None:
        return None
    if not await _is_new(session, receipt, now):
        return None
    if receipt.result is domain.SendResultKind.ACCEPTED:
        _done(delivery)
    elif not await _fails(session, delivery, attempt, receipt, now, times):
        return None
    return settled_of(delivery, attempt, receipt.result, afterwards=True)


async def _attempt(session: AsyncSession, delivery_id: UUID, provider_id: str) -> AttemptRow | None:
    rows = await session.scalars(
        select(AttemptRow).where(AttemptRow.delivery_id == delivery_id).order_by(AttemptRow.number.desc())
    )
    attempts = rows.all()
    named = next((attempt for attempt in attempts if attempt.provider_id == provider_id), None)
    if named is None and any(attempt.ended_at is None for attempt in attempts):
        raise NotRecordedYet
    return named


async def _is_new(session: AsyncSession, receipt: Receipt, now: datetime) -> bool:
    said = {"provider_id": receipt.provider_id, "status": receipt.status, "received_at": now}
    statement = upsert(ReceiptRow).values(said).on_conflict_do_nothing().returning(ReceiptRow.status)
    return await session.scalar(statement) is not None


def _done(delivery: DeliveryRow) -> None:
    if delivery.state != domain.DeliveryState.SENDING:
        delivery.state, delivery.due_at = domain.DeliveryState.ACCEPTED.value, None


async def _fails(
    session: AsyncSession,
    delivery: DeliveryRow,
    attempt: AttemptRow,
    receipt: Receipt,
    now: datetime,
    times: DeliveryTimes,
) -> bool:
    """Retry or end the delivery, unless it arrived after all or another attempt is in progress."""
    arrived = await session.get(ReceiptRow, (receipt.provider_id, _DELIVERED))
    if arrived or delivery.state != domain.DeliveryState.ACCEPTED or attempt.number != delivery.attempts:
        return False
    step = domain.next_step(
        receipt.result,
        number=attempt.number,
        first_tried_at=delivery.first_tried_at or now,
        now=now,
        give_up_after=times.give_up_after,
        last_resort=delivery.last_resort,
    )
    delivery.state, delivery.due_at = step.state.value, step.due_at
    return True
