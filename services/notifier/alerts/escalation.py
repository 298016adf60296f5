"""Reminds a recipient once, and tells the next in the chain when the answer is silence or not a yes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts import storing
from services.notifier.alerts.deciding import standing_of
from services.notifier.alerts.domain import Recipient
from services.notifier.alerts.posting import Post
from services.notifier.alerts.storing import NewAlert
from services.notifier.alerts.tables import AlertRow
from services.notifier.delivery.domain import ASKS, RecipientRole
from shared.events.envelope import NewEvent
from shared.events.notifier import AlertEscalated
from shared.events.vocabulary import AlertPurpose, RecipientReason
from shared.ids import AlertId, CaseId, ReportId, StaffId


@dataclass(frozen=True, slots=True)
class PassedOn:
    """An alert that the next one has now."""

    purpose: AlertPurpose
    case_id: CaseId | None
    alert_id: AlertId
    recipient: Recipient
    reason: RecipientReason


async def remind(session: AsyncSession, alert_ids: Collection[AlertId], now: datetime, *, post: Post) -> None:
    """Send a reminder of each alert that is still unanswered."""
    rows = await storing.locked(session, alert_ids)
    await storing.store_reminders(session, [r for r in rows.values() if r.answer is None], now, ids=post.ids)


async def escalate(
    session: AsyncSession, alert_id: AlertId, reason: RecipientReason, now: datetime, *, post: Post
) -> PassedOn | None:
    """Tell the next in the chain as it was when the alert was made; None where nobody is left, or it was done."""
    row = (await storing.locked(session, {alert_id}))[alert_id]
    waiting = await _not_yet_told(session, row)
    if row.escalated_to is not None or not waiting:
        return None
    new = _next_alert(row, AlertId(post.ids.uuid()), waiting, reason, now, post)
    row.escalated_to = new.alert_id
    await session.flush()
    await storing.store(session, [new], now, post=post)
    await storing.note(session, [alert_id], reason.value, now)
    if row.report_id:
        fact = AlertEscalated(
            alert_id=alert_id,
            report_id=row.report_id,
            at=now,
            purpose=new.notice.purpose,
            to_alert_id=new.alert_id,
            reason=reason,
        )
        await post.outbox.append(session, [NewEvent.of(alert_id, fact, key=row.report_id)], now)
    return PassedOn(new.notice.purpose, new.case_id, new.alert_id, new.recipient, reason)


async def _not_yet_told(session: AsyncSession, row: AlertRow) -> tuple[Recipient, ...]:
    about_the_same = (AlertRow.event_id == row.event_id) & (AlertRow.purpose == row.purpose)
    told = set(await session.scalars(select(AlertRow.recipient_key).where(about_the_same)))
    return tuple(recipient for recipient in storing.chain_of(row) if recipient.key not in told)


def _next_alert(
    row: AlertRow,
    alert_id: AlertId,
    waiting: tuple[Recipient, ...],
    reason: RecipientReason,
    now: datetime,
    post: Post,
) -> NewAlert:
    notice = storing.notice_of(row)
    return NewAlert(
        alert_id=alert_id,
        report_id=ReportId(row.report_id) if row.report_id else None,
        event_id=row.event_id,
        notice=replace(notice, standing=_standing(notice.purpose, notice.standing, waiting[0], reason, post)),
        recipient=waiting[0],
        then=waiting[1:],
        reason=reason,
        asked_at=now,
        about=StaffId(row.about_staff_id) if row.about_staff_id and waiting[0].staff_id else None,
        case_id=CaseId(row.case_id) if row.case_id else None,
        escalated_from=AlertId(row.alert_id),
    )


def _standing(
    purpose: AlertPurpose, before: RecipientRole, recipient: Recipient, reason: RecipientReason, post: Post
) -> RecipientRole:
    """A misuse case that no manager took goes to the triage desk; other messages say to anybody the same."""
    if purpose not in ASKS:
        return before
    nobody_works_it = purpose is AlertPurpose.MISUSE_ASSIGNED and recipient.staff_id is None
    return standing_of(reason, desk=nobody_works_it or recipient == post.book.fallback)
