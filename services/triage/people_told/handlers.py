"""Keeps what notifier says of alerts about reports. Each event fills columns of its own, so that any order will do."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.people_told.tables import ToldAlert
from shared.events import notifier
from shared.events.envelope import Envelope
from shared.events.vocabulary import FailureKind

AlertEvent = (
    notifier.AlertDecided
    | notifier.AlertSent
    | notifier.AlertDelivered
    | notifier.AlertFailed
    | notifier.AlertAcknowledged
    | notifier.AlertEscalated
)
_KEY = "alert_id"


async def project(session: AsyncSession, events: Sequence[Envelope[AlertEvent]], _now: datetime) -> None:
    """Add to each alert what an event says of it."""
    columns = list(ToldAlert.table().c.keys())
    rows = [{**dict.fromkeys(columns), **row} for event in events for row in _rows(event.data)]
    statement = insert(ToldAlert.table())
    known = {name: func.coalesce(ToldAlert.table().c[name], statement.excluded[name]) for name in columns}
    del known[_KEY]
    await session.execute(statement.on_conflict_do_update(index_elements=[_KEY], set_=known), rows)


def _rows(event: AlertEvent) -> Iterator[dict[str, object]]:
    about = {"report_id": event.report_id, "purpose": event.purpose}
    this = {_KEY: event.alert_id, **about}
    match event:
        case notifier.AlertDecided():
            yield {**this, "reason": event.reason, "someone_told": event.anybody, "decided_at": event.at}
        case notifier.AlertSent():
            yield {**this, "sent_at": event.at}
        case notifier.AlertDelivered():
            yield {**this, "delivered_at": event.at}
        case notifier.AlertFailed():
            yield {**this, "failed_at": event.at if event.kind is FailureKind.PERMANENT else None}
        case notifier.AlertAcknowledged():
            yield {**this, "answered_at": event.at, "answer": event.answer}
        case notifier.AlertEscalated():
            yield {**this, "escalated_at": event.at}
            following = {"reason": event.reason, "someone_told": True, "decided_at": event.at}
            yield {_KEY: event.to_alert_id, **about, **following}
