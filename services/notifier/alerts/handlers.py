"""What happens to an alert: it is sent, delivered, answered, reminded of, escalated, or it fails."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts import decisions
from services.notifier.alerts.decisions import AlertContext, NewAlert, role_for
from services.notifier.alerts.domain import AlertState, Recipient
from services.notifier.alerts.tables import AlertRow
from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.domain import ASKS, DeliveryKind, RecipientRole, SendResultKind, Settled
from shared.events.envelope import NewEvent
from shared.events.notifier import AlertAcknowledged, AlertDelivered, AlertEscalated, AlertFailed, AlertSent
from shared.events.vocabulary import Acknowledgement, AlertPurpose, RecipientReason
from shared.ids import AlertId, CaseId, ReportId, StaffId
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class AlertProgress:
    """What is needed to wait for an alert's answer."""

    alert_id: AlertId
    answered: bool
    asks: bool
    """Whether its recipient is asked to acknowledge it."""
    passes_on: bool
    """Whether silence is escalated: there is a next person, and this alert is not itself an escalation. A misuse case
    goes to the next person until one works on it."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """An alert that was escalated to the next person."""

    purpose: AlertPurpose
    case_id: CaseId | None
    alert_id: AlertId
    recipient: Recipient
    reason: RecipientReason


async def record_settled(
    session: AsyncSession, settled: Sequence[Settled], now: datetime, *, outbox: Outbox
) -> Mapping[AlertId, AlertProgress]:
    """Record the results of attempts. A reminder's result says nothing about its alert, which was sent long before."""
    rows = await decisions.locked(session, {item.alert_id for item in settled})
    told = [item for item in settled if item.kind is DeliveryKind.ALERT]
    for item in told:
        _advance(rows[item.alert_id], item)
    for item in settled:
        await decisions.note(session, [item.alert_id], _history_of(item), now)
    events = [event for item in told if (event := _settled_event(item, rows[item.alert_id], now))]
    await outbox.append(session, events, now)
    answered = [alert_id for alert_id, row in rows.items() if row.answer is not None]
    await delivery.drop_reminders(session, answered)
    return {alert_id: _progress(row) for alert_id, row in rows.items()}


async def record_delivered(
    session: AsyncSession, alert_ids: Collection[AlertId], now: datetime, *, channel: str, outbox: Outbox
) -> None:
    """Record that the provider delivered these; a repeated or late receipt changes nothing."""
    rows = await decisions.locked(session, alert_ids)
    new = [row for row in rows.values() if row.delivered_at is None]
    for row in new:
        row.delivered_at, row.failure = now, None
        row.state = AlertState(row.state).after(AlertState.DELIVERED).value
    await decisions.note(session, [AlertId(row.alert_id) for row in new], AlertState.DELIVERED.value, now)
    events = [
        NewEvent.of(row.alert_id, _delivered(row, row.report_id, channel, now), key=row.report_id)
        for row in new
        if row.report_id
    ]
    await outbox.append(session, events, now)


async def record_answer(
    session: AsyncSession, alert_id: AlertId, answer: Acknowledgement, now: datetime, *, outbox: Outbox
) -> bool:
    """Record the recipient's answer; return False if there was one already, because the first answer counts.

    The alert stays locked, because the row that waits for its answer is updated in the same transaction.
    """
    row = (await decisions.locked(session, {alert_id}))[alert_id]
    if row.answer is not None:
        return False
    row.answer, row.answered_at = answer.value, now
    row.state = AlertState(row.state).after(AlertState.ACKNOWLEDGED).value
    await decisions.note(session, [alert_id], f"answered_{answer.value}", now)
    await delivery.drop_reminders(session, [alert_id])
    if row.report_id:
        purpose = AlertPurpose(row.purpose)
        event = AlertAcknowledged(alert_id=alert_id, report_id=row.report_id, at=now, purpose=purpose, answer=answer)
        await outbox.append(session, [NewEvent.of(alert_id, event, key=row.report_id)], now)
    return True


async def lock_waiting(session: AsyncSession, alert_ids: Collection[AlertId]) -> Mapping[AlertId, bool]:
    """Lock these alerts, except those locked by another transaction; return for each whether it has an answer."""
    rows = await decisions.locked(session, alert_ids, skip_locked=True)
    return {alert_id: row.answer is not None for alert_id, row in rows.items()}


async def remind(
    session: AsyncSession, alert_ids: Collection[AlertId], now: datetime, *, context: AlertContext
) -> None:
    """Send a reminder for each alert that is still unanswered."""
    rows = await decisions.locked(session, alert_ids)
    await decisions.store_reminders(session, [r for r in rows.values() if r.answer is None], now, ids=context.ids)


async def escalate(
    session: AsyncSession, alert_id: AlertId, reason: RecipientReason, now: datetime, *, context: AlertContext
) -> Escalation | None:
    """Alert the next in the chain, as it was when the alert was made; None if no one is left or it was done before."""
    row = (await decisions.locked(session, {alert_id}))[alert_id]
    waiting = await _not_yet_told(session, row)
    if row.escalated_to is not None or not waiting:
        return None
    new = _next_alert(row, AlertId(context.ids.uuid()), waiting, reason, now, context)
    row.escalated_to = new.alert_id
    await session.flush()
    await decisions.store(session, [new], now, context=context)
    await decisions.note(session, [alert_id], reason.value, now)
    if row.report_id:
        event = AlertEscalated(
            alert_id=alert_id,
            report_id=row.report_id,
            at=now,
            purpose=new.notice.purpose,
            to_alert_id=new.alert_id,
            reason=reason,
        )
        await context.outbox.append(session, [NewEvent.of(alert_id, event, key=row.report_id)], now)
    return Escalation(new.notice.purpose, new.case_id, new.alert_id, new.recipient, reason)


def _delivered(row: AlertRow, report_id: UUID, channel: str, now: datetime) -> AlertDelivered:
    return AlertDelivered(
        alert_id=row.alert_id, report_id=report_id, at=now, purpose=AlertPurpose(row.purpose), channel=channel
    )


def _settled_event(item: Settled, row: AlertRow, now: datetime) -> NewEvent | None:
    if item.report_id is None:
        return None
    return NewEvent.of(item.alert_id, _sent_or_failed(item, row, item.report_id, now), key=item.report_id)


def _sent_or_failed(item: Settled, row: AlertRow, report_id: ReportId, now: datetime) -> AlertSent | AlertFailed:
    purpose = AlertPurpose(row.purpose)
    if item.failure is None:
        return AlertSent(
            alert_id=item.alert_id,
            report_id=report_id,
            at=now,
            purpose=purpose,
            channel=item.channel,
            attempt=item.attempt,
            possible_repeat=item.possible_repeat,
        )
    return AlertFailed(
        alert_id=item.alert_id,
        report_id=report_id,
        at=now,
        purpose=purpose,
        channel=item.channel,
        attempt=item.attempt,
        kind=item.failure,
    )


def _advance(row: AlertRow, item: Settled) -> None:
    state = AlertState(row.state).after(_state_told_by(item))
    row.state = state.value
    if state.reached:
        row.failure = None
    elif item.failure:
        row.failure = item.failure.value


def _state_told_by(item: Settled) -> AlertState:
    if item.result is SendResultKind.ACCEPTED:
        return AlertState.SENT
    if item.ended:
        return AlertState.UNDELIVERED if item.afterwards else AlertState.FAILED
    return AlertState.SENDING


def _history_of(item: Settled) -> str:
    said = "sent" if item.failure is None else f"failed_{item.failure.value}"
    said = f"{said}_afterwards" if item.afterwards else said
    return f"{item.kind.value}_{said}" + ("_possible_repeat" if item.possible_repeat else "")


def _progress(row: AlertRow) -> AlertProgress:
    purpose = AlertPurpose(row.purpose)
    climbs = row.escalated_from is None or purpose is AlertPurpose.MISUSE_ASSIGNED
    return AlertProgress(
        AlertId(row.alert_id), row.answer is not None, purpose in ASKS, climbs and bool(decisions.chain_of(row))
    )


async def _not_yet_told(session: AsyncSession, row: AlertRow) -> tuple[Recipient, ...]:
    about_the_same = (AlertRow.event_id == row.event_id) & (AlertRow.purpose == row.purpose)
    told = set(await session.scalars(select(AlertRow.recipient_key).where(about_the_same)))
    return tuple(recipient for recipient in decisions.chain_of(row) if recipient.key not in told)


def _next_alert(
    row: AlertRow,
    alert_id: AlertId,
    waiting: tuple[Recipient, ...],
    reason: RecipientReason,
    now: datetime,
    context: AlertContext,
) -> NewAlert:
    notice = decisions.notice_of(row)
    return NewAlert(
        alert_id=alert_id,
        report_id=ReportId(row.report_id) if row.report_id else None,
        event_id=row.event_id,
        notice=replace(notice, role=_role(notice.purpose, notice.role, waiting[0], reason, context)),
        recipient=waiting[0],
        then=waiting[1:],
        reason=reason,
        asked_at=now,
        about=StaffId(row.about_staff_id) if row.about_staff_id and waiting[0].staff_id else None,
        case_id=CaseId(row.case_id) if row.case_id else None,
        escalated_from=AlertId(row.alert_id),
    )


def _role(
    purpose: AlertPurpose, before: RecipientRole, recipient: Recipient, reason: RecipientReason, context: AlertContext
) -> RecipientRole:
    """Return the role of the next recipient; messages that ask for no answer say the same to everyone.

    A misuse case that no manager took goes to the triage desk.
    """
    if purpose not in ASKS:
        return before
    without_manager = purpose is AlertPurpose.MISUSE_ASSIGNED and recipient.staff_id is None
    return role_for(reason, desk=without_manager or recipient == context.book.fallback)
