"""Stores decisions, whatever they are about, with the alerts and the facts that come of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts import storing
from services.notifier.alerts.domain import AddressBook, Choice
from services.notifier.alerts.posting import Post
from services.notifier.alerts.storing import NewAlert
from services.notifier.alerts.tables import DecisionRow
from services.notifier.delivery.domain import Notice, RecipientRole, Urgency
from shared.events.envelope import NewEvent
from shared.events.notifier import AlertDecided
from shared.events.vocabulary import AlertPurpose, RecipientReason
from shared.ids import AlertId, CaseId, ReportId

_STANDINGS = {
    RecipientReason.REPORTERS_MANAGER: RecipientRole.MANAGER,
    RecipientReason.SUBJECTS_MANAGER: RecipientRole.MANAGER,
    RecipientReason.NAMED_ON_REPORT: RecipientRole.NAMED,
    RecipientReason.SOMEONE_ELSE_CHOSEN: RecipientRole.CHOSEN,
    RecipientReason.TEAM_MAILBOX: RecipientRole.TEAM,
    RecipientReason.TEAM_LEAD: RecipientRole.LEAD,
    RecipientReason.THE_REPORTER: RecipientRole.REPORTER,
    RecipientReason.PERSON_AFFECTED: RecipientRole.AFFECTED,
    RecipientReason.ACCOUNT_OWNER: RecipientRole.OWNER,
    RecipientReason.ACCOUNT_OPERATOR: RecipientRole.OPERATOR,
    RecipientReason.COMMS: RecipientRole.COMMS,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is told of what, or nobody. `report_id` is None where it is about an account: then no fact is published."""

    alert_id: AlertId
    report_id: ReportId | None
    reference: str
    event_id: str
    purpose: AlertPurpose
    choice: Choice
    urgency: Urgency
    asked_at: datetime
    occasion: str = ""
    case_id: CaseId | None = None
    page: str = ""
    standing: RecipientRole | None = None
    """Where the reason alone does not say how the recipient stands."""


async def decide(session: AsyncSession, decisions: Sequence[Decision], now: datetime, *, post: Post) -> list[Decision]:
    """Store each decision unless it was taken before, with its alert and its fact; return those that are new."""
    about_reports = [item for item in decisions if item.report_id]
    stored = await _store(session, about_reports, now) if about_reports else set()
    new = [item for item in decisions if item.report_id is None or item.alert_id in stored]
    await storing.store(session, [alert for item in new if (alert := _alert_of(item, post.book))], now, post=post)
    await post.outbox.append(session, [_fact(item, item.report_id, now) for item in new if item.report_id], now)
    return new


async def reasons(
    session: AsyncSession, report_ids: Sequence[ReportId], purpose: AlertPurpose
) -> dict[ReportId, RecipientReason]:
    """Return why each of these reports was last decided as it was, for this purpose."""
    rows = await session.scalars(
        select(DecisionRow)
        .where(DecisionRow.report_id.in_(report_ids), DecisionRow.purpose == purpose.value)
        .order_by(DecisionRow.decided_at)
    )
    return {ReportId(row.report_id): RecipientReason(row.reason) for row in rows}


def standing_of(reason: RecipientReason, *, desk: bool) -> RecipientRole:
    """Return how the recipient stands to what it is about; `desk` where it is the fallback recipient."""
    return RecipientRole.DESK if desk else _STANDINGS.get(reason, RecipientRole.NEXT_UP)


async def _store(session: AsyncSession, decisions: Sequence[Decision], now: datetime) -> set[UUID]:
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


def _alert_of(item: Decision, book: AddressBook) -> NewAlert | None:
    choice = item.choice
    if choice.recipient is None:
        return None
    standing = item.standing or standing_of(choice.reason, desk=choice.recipient == book.fallback)
    return NewAlert(
        alert_id=item.alert_id,
        report_id=item.report_id,
        event_id=item.event_id,
        notice=Notice(item.reference, item.urgency, standing, item.purpose, item.page),
        recipient=choice.recipient,
        then=choice.then,
        reason=choice.reason,
        asked_at=item.asked_at,
        about=choice.about,
        case_id=item.case_id,
    )


def _fact(item: Decision, report_id: ReportId, now: datetime) -> NewEvent:
    fact = AlertDecided(
        alert_id=item.alert_id,
        report_id=report_id,
        at=now,
        purpose=item.purpose,
        reason=item.choice.reason,
        anybody=item.choice.recipient is not None,
    )
    return NewEvent.of(item.alert_id, fact, key=report_id)
