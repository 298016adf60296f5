"""Stores who is alerted and why, with the event of each decision, and hands the alerts to delivery.

Who it is was chosen before, by `domain.choose_recipient` or by the capability that asks.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.domain import AddressBook, AlertState, Choice, Recipient
from services.notifier.alerts.tables import AlertHistoryRow, AlertRow, DecisionRow
from services.notifier.delivery import digests
from services.notifier.delivery import domain as messages
from services.notifier.delivery import handlers as delivery
from shared.events.envelope import NewEvent
from shared.events.notifier import AlertDecided
from shared.events.vocabulary import AlertPurpose, RecipientReason
from shared.ids import AlertId, CaseId, Ids, ReportId, StaffId
from shared.messaging.outbox import Outbox

EMAIL, NOTIFY = "email", "notify"
"""The names of the channels: our own mail server, and GOV.UK Notify."""

_ROLES = {
    RecipientReason.REPORTERS_MANAGER: messages.RecipientRole.MANAGER,
    RecipientReason.SUBJECTS_MANAGER: messages.RecipientRole.MANAGER,
    RecipientReason.NAMED_ON_REPORT: messages.RecipientRole.NAMED,
    RecipientReason.SOMEONE_ELSE_CHOSEN: messages.RecipientRole.CHOSEN,
    RecipientReason.TEAM_MAILBOX: messages.RecipientRole.TEAM,
    RecipientReason.TEAM_LEAD: messages.RecipientRole.LEAD,
    RecipientReason.THE_RESPONDER: messages.RecipientRole.RESPONDER,
    RecipientReason.GIVEN_A_TASK: messages.RecipientRole.RESPONDER,
    RecipientReason.THE_REPORTER: messages.RecipientRole.REPORTER,
    RecipientReason.PERSON_AFFECTED: messages.RecipientRole.AFFECTED,
    RecipientReason.ACCOUNT_OWNER: messages.RecipientRole.OWNER,
    RecipientReason.ACCOUNT_OPERATOR: messages.RecipientRole.OPERATOR,
    RecipientReason.COMMS: messages.RecipientRole.COMMS,
}


@dataclass(frozen=True, slots=True)
class AlertContext:
    """Who alerts may go to, which are held back, and the channel of each class of message."""

    book: AddressBook
    ids: Ids
    outbox: Outbox
    digest_rules: digests.DigestRules
    by_notify: frozenset[messages.MessageClass] = frozenset()

    def channel_for(self, purpose: AlertPurpose) -> str:
        """Return the channel of messages for `purpose`."""
        return NOTIFY if messages.CLASS_OF[purpose] in self.by_notify else EMAIL


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """Who is told of what, or no one. `report_id` is None where it is about an account: then no event is published."""

    alert_id: AlertId
    report_id: ReportId | None
    reference: str
    event_id: str
    purpose: AlertPurpose
    choice: Choice
    urgency: messages.Urgency
    asked_at: datetime
    occasion: str = ""
    case_id: CaseId | None = None
    page: str = ""
    role: messages.RecipientRole | None = None
    """Set if the reason alone does not determine the role."""


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to store and send."""

    alert_id: AlertId
    report_id: ReportId | None
    event_id: str
    notice: messages.Notice
    recipient: Recipient
    then: tuple[Recipient, ...]
    reason: RecipientReason
    asked_at: datetime
    """When its event happened, or when it was escalated."""
    about: StaffId | None = None
    case_id: CaseId | None = None
    escalated_from: AlertId | None = None


async def record_decisions(
    session: AsyncSession, decisions: Sequence[AlertDecision], now: datetime, *, context: AlertContext
) -> list[AlertDecision]:
    """Store each decision unless it was taken before, with its alert and its event; return those that are new."""
    about_reports = [item for item in decisions if item.report_id]
    stored = await _store_decisions(session, about_reports, now) if about_reports else set()
    new = [item for item in decisions if item.report_id is None or item.alert_id in stored]
    await store(session, [alert for item in new if (alert := _alert_of(item, context.book))], now, context=context)
    await context.outbox.append(session, [_event(item, item.report_id, now) for item in new if item.report_id], now)
    return new


async def reasons(
    session: AsyncSession, report_ids: Sequence[ReportId], purpose: AlertPurpose
) -> dict[ReportId, RecipientReason]:
    """Return the reason of the last decision for each of these reports and this purpose."""
    rows = await session.scalars(
        select(DecisionRow)
        .where(DecisionRow.report_id.in_(report_ids), DecisionRow.purpose == purpose.value)
        .order_by(DecisionRow.decided_at)
    )
    return {ReportId(row.report_id): RecipientReason(row.reason) for row in rows}


def role_for(reason: RecipientReason, *, desk: bool) -> messages.RecipientRole:
    """Return the recipient's role for this reason; `desk` for the fallback recipient."""
    return messages.RecipientRole.DESK if desk else _ROLES.get(reason, messages.RecipientRole.NEXT_UP)


async def store(session: AsyncSession, alerts: Sequence[NewAlert], now: datetime, *, context: AlertContext) -> None:
    """Store `alerts`, and enqueue or hold back their first delivery. An alert that is already stored stays as it is."""
    if not alerts:
        return
    lately = await _sent_lately(session, alerts, now, context)
    statement = insert(AlertRow).on_conflict_do_nothing().returning(AlertRow.alert_id)
    stored = set(await session.scalars(statement, [_row_of(alert, now, context) for alert in alerts]))
    new = [alert for alert in alerts if alert.alert_id in stored]
    await note(session, [alert.alert_id for alert in new], "created", now)
    first, held = [], []
    for alert in new:
        due_at = _held_until(alert, lately, now, context)
        lately[alert.recipient.email] += 1
        item = _first_delivery(alert, context)
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
    """Load alerts for update, always in one order and before rows that depend on them, to avoid deadlocks.

    With `skip_locked`, alerts locked by another transaction are left out.
    """
    rows = await session.scalars(
        select(AlertRow)
        .where(AlertRow.alert_id.in_(alert_ids))
        .order_by(AlertRow.alert_id)
        .with_for_update(skip_locked=skip_locked)
    )
    return {AlertId(row.alert_id): row for row in rows}


async def note(session: AsyncSession, alert_ids: Collection[AlertId], what: str, now: datetime) -> None:
    """Add a line to each alert's history."""
    if alert_ids:
        lines = [{"alert_id": alert_id, "at": now, "what": what} for alert_id in alert_ids]
        await session.execute(insert(AlertHistoryRow), lines)


def chain_of(row: AlertRow) -> tuple[Recipient, ...]:
    """Return the next people in the chain, as they were when the alert was made."""
    return tuple(
        Recipient(str(link["email"]), StaffId(link["staff_id"]) if link["staff_id"] else None) for link in row.chain
    )


def notice_of(row: AlertRow) -> messages.Notice:
    """Return the facts for messages about this alert."""
    return messages.Notice.read(
        {
            "reference": row.reference,
            "urgency": row.urgency,
            "standing": row.standing,
            "purpose": row.purpose,
            "page": row.page,
        }
    )


async def _sent_lately(
    session: AsyncSession, alerts: Sequence[NewAlert], now: datetime, context: AlertContext
) -> Counter[str]:
    """Count the alerts that were made for each recipient within the storm window, those held back included."""
    whom = {alert.recipient.email for alert in alerts}
    since = now - context.digest_rules.storm_window
    counted = await session.execute(
        select(AlertRow.recipient_email, func.count())
        .where(AlertRow.recipient_email.in_(whom), AlertRow.created_at > since)
        .group_by(AlertRow.recipient_email)
    )
    lately: Counter[str] = Counter()
    for email, count in counted.all():
        lately[email] = count
    return lately


def _held_until(alert: NewAlert, lately: Counter[str], now: datetime, context: AlertContext) -> datetime | None:
    return digests.held_until(
        alert.notice.purpose,
        alert.notice.urgency,
        lately=lately[alert.recipient.email],
        now=now,
        rules=context.digest_rules,
    )


def _row_of(alert: NewAlert, now: datetime, context: AlertContext) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id,
        "report_id": alert.report_id,
        "case_id": alert.case_id,
        "event_id": alert.event_id,
        "channel": context.channel_for(alert.notice.purpose),
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


def _first_delivery(alert: NewAlert, context: AlertContext) -> messages.NewDelivery:
    return messages.NewDelivery(
        delivery_id=context.ids.uuid(),
        alert_id=alert.alert_id,
        report_id=alert.report_id,
        kind=messages.DeliveryKind.ALERT,
        channel=context.channel_for(alert.notice.purpose),
        recipient=alert.recipient.email,
        notice=alert.notice.stored(),
        last_resort=_is_last_resort(alert),
        asked_at=alert.asked_at,
    )


def _is_last_resort(alert: NewAlert) -> bool:
    """Return whether to retry for ever: a team's mailbox with no one after it, as a person's address may stay wrong."""
    a_person = alert.recipient.staff_id or messages.CLASS_OF[alert.notice.purpose] is messages.MessageClass.REPORTER
    return not alert.then and not a_person


def _reminder(row: AlertRow, now: datetime, ids: Ids) -> messages.NewDelivery:
    return messages.NewDelivery(
        delivery_id=ids.uuid(),
        alert_id=AlertId(row.alert_id),
        report_id=ReportId(row.report_id) if row.report_id else None,
        kind=messages.DeliveryKind.REMINDER,
        channel=row.channel,
        recipient=row.recipient_email,
        notice=notice_of(row).stored(),
        last_resort=False,
        asked_at=now,
    )


async def _store_decisions(session: AsyncSession, decisions: Sequence[AlertDecision], now: datetime) -> set[UUID]:
    rows = [
        {
            "alert_id": item.alert_id,
            "report_id": item.report_id,
            "purpose": item.purpose.value,
            "occasion": item.occasion,
            "reason": item.choice.reason.value,
            "anybody": item.choice.recipient is not None,
            "decided_at": now,
        }
        for item in decisions
    ]
    statement = insert(DecisionRow).on_conflict_do_nothing().returning(DecisionRow.alert_id)
    return set(await session.scalars(statement, rows))


def _alert_of(item: AlertDecision, book: AddressBook) -> NewAlert | None:
    choice = item.choice
    if choice.recipient is None:
        return None
    role = item.role or role_for(choice.reason, desk=choice.recipient == book.fallback)
    return NewAlert(
        alert_id=item.alert_id,
        report_id=item.report_id,
        event_id=item.event_id,
        notice=messages.Notice(item.reference, item.urgency, role, item.purpose, item.page),
        recipient=choice.recipient,
        then=choice.then,
        reason=choice.reason,
        asked_at=item.asked_at,
        about=choice.about,
        case_id=item.case_id,
    )


def _event(item: AlertDecision, report_id: ReportId, now: datetime) -> NewEvent:
    decided = AlertDecided(
        alert_id=item.alert_id,
        report_id=report_id,
        at=now,
        purpose=item.purpose,
        reason=item.choice.reason,
        anybody=item.choice.recipient is not None,
    )
    return NewEvent.of(item.alert_id, decided, key=report_id)
