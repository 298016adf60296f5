"""Reminds a recipient once, and tells the next in the chain when the answer is silence or not a yes."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts import storing
from services.notifier.alerts.domain import AddressBook, Recipient, Urgency
from services.notifier.alerts.storing import NewAlert
from services.notifier.alerts.tables import AlertRow
from shared.events.envelope import NewEvent
from shared.events.notifier import AlertEscalated
from shared.events.vocabulary import RecipientReason
from shared.ids import AlertId, Ids, ReportId, StaffId
from shared.messaging.outbox import Outbox


async def remind(
    session: AsyncSession, alert_ids: Collection[AlertId], now: datetime, *, book: AddressBook, ids: Ids
) -> None:
    """Send a reminder of each alert that is still unanswered."""
    rows = await storing.locked(session, alert_ids)
    await storing.store_reminders(session, [r for r in rows.values() if r.answer is None], now, book=book, ids=ids)


async def escalate(
    session: AsyncSession,
    alert_id: AlertId,
    reason: RecipientReason,
    now: datetime,
    *,
    book: AddressBook,
    ids: Ids,
    outbox: Outbox,
) -> AlertId | None:
    """Tell the next in the chain as it was when the alert was made; None where nobody is left, or it was done."""
    row = (await storing.locked(session, {alert_id}))[alert_id]
    waiting = await _not_yet_told(session, row)
    if row.escalated_to is not None or not waiting:
        return None
    new = _next_alert(row, AlertId(ids.uuid()), waiting, reason, now)
    row.escalated_to = new.alert_id
    await session.flush()
    await storing.store(session, [new], now, book=book, ids=ids)
    await storing.note(session, [alert_id], reason.value, now)
    fact = AlertEscalated(alert_id=alert_id, report_id=row.report_id, at=now, to_alert_id=new.alert_id, reason=reason)
    await outbox.append(session, [NewEvent.of(alert_id, fact, key=row.report_id)], now)
    return new.alert_id


async def _not_yet_told(session: AsyncSession, row: AlertRow) -> tuple[Recipient, ...]:
    told = set(await session.scalars(select(AlertRow.recipient_key).where(AlertRow.event_id == row.event_id)))
    return tuple(recipient for recipient in storing.chain_of(row) if recipient.key not in told)


def _next_alert(
    row: AlertRow, alert_id: AlertId, waiting: tuple[Recipient, ...], reason: RecipientReason, now: datetime
) -> NewAlert:
    return NewAlert(
        alert_id=alert_id,
        report_id=ReportId(row.report_id),
        reference=row.reference,
        event_id=row.event_id,
        recipient=waiting[0],
        then=waiting[1:],
        reason=reason,
        urgency=Urgency(row.urgency),
        asked_at=now,
        about=StaffId(row.about_staff_id) if row.about_staff_id and waiting[0].staff_id else None,
        escalated_from=AlertId(row.alert_id),
    )
