"""Stores alerts and hands them to delivery; shared by the first alert, reminders and escalations."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.domain import Recipient
from services.notifier.alerts.posting import Post
from services.notifier.alerts.states import AlertState
from services.notifier.alerts.tables import AlertHistoryRow, AlertRow
from services.notifier.delivery import digests
from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.digests import held_until
from services.notifier.delivery.domain import CLASS_OF, DeliveryKind, MessageClass, NewDelivery, Notice
from shared.events.vocabulary import RecipientReason
from shared.ids import AlertId, CaseId, Ids, ReportId, StaffId


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to be made."""

    alert_id: AlertId
    report_id: ReportId | None
    event_id: str
    notice: Notice
    recipient: Recipient
    then: tuple[Recipient, ...]
    reason: RecipientReason
    asked_at: datetime
    """When what it tells of happened, or when it was passed on."""
    about: StaffId | None = None
    case_id: CaseId | None = None
    escalated_from: AlertId | None = None


async def store(session: AsyncSession, alerts: Sequence[NewAlert], now: datetime, *, post: Post) -> None:
    """Store `alerts`, and enqueue or hold back their first delivery. One that is there already is left as it is."""
    if not alerts:
        return
    lately = await _sent_lately(session, alerts, now, post)
    statement = upsert(AlertRow).on_conflict_do_nothing().returning(AlertRow.alert_id)
    stored = set(await session.scalars(statement, [_row_of(alert, now, post) for alert in alerts]))
    new = [alert for alert in alerts if alert.alert_id in stored]
    await note(session, [alert.alert_id for alert in new], "created", now)
    first, held = [], []
    for alert in new:
        due_at = _held_until(alert, lately, now, post)
        lately[alert.recipient.email] += 1
        item = _first_delivery(alert, post)
        if due_at:
            held.append((item, due_at))
        else:
            first.append(item)
    await digests.hold(session, held)
    await delivery.enqueue(session, first, now)


async def store_reminders(session: AsyncSession, rows: Sequence[AlertRow], now: datetime, *, ids: Ids) -> None:
    """Enqueue one reminder for each alert."""
    await note(session, [AlertId(row.alert_id) for row in rows], "reminded", now)
    await delivery.enqueue(session, [_reminder(row, now, ids) for row in rows], now)


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


def notice_of(row: AlertRow) -> Notice:
    """Return the facts that messages about this alert are made from."""
    return Notice.read(
        {
            "reference": row.reference,
            "urgency": row.urgency,
            "standing": row.standing,
            "purpose": row.purpose,
            "page": row.page,
        }
    )


async def _sent_lately(session: AsyncSession, alerts: Sequence[NewAlert], now: datetime, post: Post) -> Counter[str]:
    """Count what each recipient was sent within the storm window."""
    whom = {alert.recipient.email for alert in alerts}
    since = now - post.digest_rules.storm_window
    counted = await session.execute(
        select(AlertRow.recipient_email, func.count())
        .where(AlertRow.recipient_email.in_(whom), AlertRow.created_at > since)
        .group_by(AlertRow.recipient_email)
    )
    lately: Counter[str] = Counter()
    for email, count in counted.all():
        lately[email] = count
    return lately


def _held_until(alert: NewAlert, lately: Counter[str], now: datetime, post: Post) -> datetime | None:
    return held_until(
        alert.notice.purpose,
        alert.notice.urgency,
        lately=lately[alert.recipient.email],
        now=now,
        rules=post.digest_rules,
    )


def _row_of(alert: NewAlert, now: datetime, post: Post) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id,
        "report_id": alert.report_id,
        "case_id": alert.case_id,
        "event_id": alert.event_id,
        "channel": post.channel_for(alert.notice.purpose),
        "recipient_key": alert.recipient.key,
        "recipient_email": alert.recipient.email,
        "recipient_staff_id": alert.recipient.staff_id,
        "about_staff_id": alert.about,
        "chain": [{"email": link.email, "staff_id": link.staff_id} for link in alert.then],
        "reason": alert.reason.value,
        "state": AlertState.CREATED.value,
        "escalated_from": alert.escalated_from,
        "created_at": now,
        **alert.notice.stored(),
    }


def _first_delivery(alert: NewAlert, post: Post) -> NewDelivery:
    return NewDelivery(
        delivery_id=post.ids.uuid(),
        alert_id=alert.alert_id,
        report_id=alert.report_id,
        kind=DeliveryKind.ALERT,
        channel=post.channel_for(alert.notice.purpose),
        recipient=alert.recipient.email,
        notice=alert.notice.stored(),
        last_resort=_is_last_resort(alert),
        asked_at=alert.asked_at,
    )


def _is_last_resort(alert: NewAlert) -> bool:
    """A team's mailbox that nobody comes after is never given up; a person's own address can be wrong for good."""
    somebody = alert.recipient.staff_id or CLASS_OF[alert.notice.purpose] is MessageClass.REPORTER
    return not alert.then and not somebody


def _reminder(row: AlertRow, now: datetime, ids: Ids) -> NewDelivery:
    return NewDelivery(
        delivery_id=ids.uuid(),
        alert_id=AlertId(row.alert_id),
        report_id=ReportId(row.report_id) if row.report_id else None,
        kind=DeliveryKind.REMINDER,
        channel=row.channel,
        recipient=row.recipient_email,
        notice=notice_of(row).stored(),
        last_resort=False,
        asked_at=now,
    )
