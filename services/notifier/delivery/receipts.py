"""Delivery receipts: what a provider reports of a message it took, perhaps late, twice and out of order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.delivery import domain, handlers
from services.notifier.delivery.tables import AttemptRow, DeliveryRow, ReceiptRow
from shared.ids import AlertId

OnDelivered = Callable[[AsyncSession, domain.Settled, datetime], Awaitable[None]]
"""Learns that the provider delivered a message, in the transaction that records it."""
_DELIVERED = "delivered"


class NotRecordedYet(Exception):
    """The message is being handed over just now: the provider has to send the receipt again."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One status of one message, as its provider reports it."""

    provider_id: str
    alert_id: AlertId
    """From our reference."""
    kind: domain.DeliveryKind
    result: domain.SendResultKind
    """`accepted` where it was delivered, else how it failed."""

    @property
    def status(self) -> str:
        """Return the status as it is stored."""
        return _DELIVERED if self.result is domain.SendResultKind.ACCEPTED else self.result.value


@dataclass(frozen=True, slots=True)
class DeliveryReceipts:
    """Takes receipts to their deliveries, and what they change to the alerts that those stand for."""

    on_settled: handlers.OnSettled
    """Learns of a message that failed after the provider took it."""
    on_delivered: OnDelivered
    times: handlers.DeliveryTimes
    token: bytes | None
    """The bearer token Notify has to send; None where no receipts are taken."""

    async def take(self, session: AsyncSession, receipt: Receipt, now: datetime) -> None:
        """Take `receipt`, however late and however often it comes.

        Raises:
            NotRecordedYet: it came before we recorded that the provider took the message.
        """
        settled = await receive(session, receipt, now, times=self.times)
        if settled is None:
            return
        if receipt.result is domain.SendResultKind.ACCEPTED:
            await self.on_delivered(session, settled, now)
        else:
            await self.on_settled(session, [settled], now)


async def receive(
    session: AsyncSession, receipt: Receipt, now: datetime, *, times: handlers.DeliveryTimes
) -> domain.Settled | None:
    """Take a receipt; return None where it changes nothing: a repeat, about another attempt, or after delivery.

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
    return handlers.settled_of(delivery, attempt, receipt.result, afterwards=True)


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
    statement = insert(ReceiptRow).values(said).on_conflict_do_nothing().returning(ReceiptRow.status)
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
    times: handlers.DeliveryTimes,
) -> bool:
    """Retry or end the delivery, unless it arrived after all or another attempt is under way."""
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
