"""Stores alerts and hands them to delivery; shared by the first alert, reminders and escalations."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.domain import AddressBook, Recipient, Urgency
from services.notifier.alerts.mail import Notice, standing_of
from services.notifier.alerts.states import AlertState
from services.notifier.alerts.tables import AlertHistoryRow, AlertRow
from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.domain import DeliveryKind, NewDelivery
from shared.events.vocabulary import RecipientReason
from shared.ids import AlertId, Ids, ReportId, StaffId

CHANNEL = "email"


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to be made."""

    alert_id: AlertId
    report_id: ReportId
    reference: str
    event_id: str
    recipient: Recipient
    then: tuple[Recipient, ...]
    reason: RecipientReason
    urgency: Urgency
    asked_at: datetime
    """When the report was submitted, or when it was passed on."""
    about: StaffId | None = None
    escalated_from: AlertId | None = None


async def store(
    session: AsyncSession, alerts: Sequence[NewAlert], now: datetime, *, book: AddressBook, ids: Ids
) -> None:
    """Store `alerts` and enqueue their first delivery."""
    if not alerts:
        return
    await session.execute(insert(AlertRow), [_row_of(alert, now) for alert in alerts])
    await note(session, [alert.alert_id for alert in alerts], "created", now)
    await delivery.enqueue(session, [_first_delivery(alert, book, ids) for alert in alerts], now)


async def store_reminders(
    session: AsyncSession, rows: Sequence[AlertRow], now: datetime, *, book: AddressBook, ids: Ids
) -> None:
    """Enqueue one reminder for each alert."""
    await note(session, [AlertId(row.alert_id) for row in rows], "reminded", now)
    await delivery.enqueue(session, [_reminder(row, now, book, ids) for row in rows], now)


async def locked(
    session: AsyncSession, alert_ids: Collection[AlertId], *, skip_locked: bool = False
) -> dict[AlertId, AlertRow]:
    """Load alerts for update, always in one order and before what waits for them, so that no two wait for each other.

    With `skip_locked` those that somebody else works on are left out.
    """
    rows = await session.scalars(
        select(AlertRow)
        .where(AlertRow.alert_id.in_(alert_ids))
        .order_by(AlertRow.alert_id)
        .with_for_update(skip_locked=skip_locked)
    )
    return {AlertId(row.alert_id): row for row in rows}


async def note(session: AsyncSession, alert_ids: Collection[AlertId], what: str, now: datetime) -> None:
    """Write a line of history for each alert."""
    if alert_ids:
        lines = [{"alert_id": alert_id, "at": now, "what": what} for alert_id in alert_ids]
        await session.execute(insert(AlertHistoryRow), lines)


def chain_of(row: AlertRow) -> tuple[Recipient, ...]:
    """Return who comes next, as it was when the alert was made."""
    return tuple(
        Recipient(str(link["email"]), StaffId(link["staff_id"]) if link["staff_id"] else None) for link in row.chain
    )


def _row_of(alert: NewAlert, now: datetime) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id,
        "report_id": alert.report_id,
        "reference": alert.reference,
        "event_id": alert.event_id,
        "channel": CHANNEL,
        "recipient_key": alert.recipient.key,
        "recipient_email": alert.recipient.email,
        "recipient_staff_id": alert.recipient.staff_id,
        "about_staff_id": alert.about,
        "chain": [{"email": link.email, "staff_id": link.staff_id} for link in alert.then],
        "reason": alert.reason.value,
        "urgency": alert.urgency.value,
        "state": AlertState.CREATED.value,
        "escalated_from": alert.escalated_from,
        "created_at": now,
    }


def _first_delivery(alert: NewAlert, book: AddressBook, ids: Ids) -> NewDelivery:
    return NewDelivery(
        delivery_id=ids.uuid(),
        alert_id=alert.alert_id,
        report_id=alert.report_id,
        kind=DeliveryKind.ALERT,
        channel=CHANNEL,
        recipient=alert.recipient.email,
        notice=_notice(alert.reference, alert.urgency, alert.reason, alert.recipient, book),
        last_resort=not alert.then,
        asked_at=alert.asked_at,
    )


def _reminder(row: AlertRow, now: datetime, book: AddressBook, ids: Ids) -> NewDelivery:
    recipient = Recipient(row.recipient_email, StaffId(row.recipient_staff_id) if row.recipient_staff_id else None)
    return NewDelivery(
        delivery_id=ids.uuid(),
        alert_id=AlertId(row.alert_id),
        report_id=ReportId(row.report_id),
        kind=DeliveryKind.REMINDER,
        channel=row.channel,
        recipient=row.recipient_email,
        notice=_notice(row.reference, Urgency(row.urgency), RecipientReason(row.reason), recipient, book),
        last_resort=False,
        asked_at=now,
    )


def _notice(
    reference: str, urgency: Urgency, reason: RecipientReason, recipient: Recipient, book: AddressBook
) -> dict[str, str]:
    standing = standing_of(reason, desk=recipient == book.fallback)
    return dict(Notice(reference, urgency, standing).stored())
