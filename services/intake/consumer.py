"""Which event does what in intake. Projections: order does not matter, the newest wins."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.handlers import record_alert_decisions, record_cases, record_dead_letters, record_settled
from services.intake.reports.handlers import erase_exempt
from services.intake.tracking.handlers import (
    alert_changed,
    alert_escalated,
    case_finished,
    case_opened,
    case_transferred,
    case_worked,
    update_shared,
)
from shared.events import topics
from shared.events.envelope import Envelope, Event
from shared.events.notifier import AlertAcknowledged, AlertDecided, AlertEscalated, AlertFailed, AlertSent
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.events.triage import (
    CaseClaimed,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseTransferred,
    ReporterUpdateShared,
)
from shared.messaging.batch import Handler

GROUP = "signpost-intake"
TOPICS = (topics.CASES, topics.REPORTER_UPDATES, topics.ALERTS, topics.DEAD_LETTERS)


async def _on_case_opened(session: AsyncSession, events: Sequence[Envelope[CaseOpened]], now: datetime) -> None:
    await case_opened(session, events, now)
    await record_cases(session, events, now)


async def _on_case_resolved(session: AsyncSession, events: Sequence[Envelope[CaseResolved]], now: datetime) -> None:
    await case_finished(session, events, now)
    await erase_exempt(session, events, now)


async def _on_alert_decided(session: AsyncSession, events: Sequence[Envelope[AlertDecided]], now: datetime) -> None:
    await alert_changed(session, events, now)
    await record_alert_decisions(session, events, now)


HANDLERS: Mapping[type[Event], Handler] = {
    CaseOpened: _on_case_opened,
    CaseTransferred: case_transferred,
    CaseClaimed: case_worked,
    CaseReopened: case_worked,
    CaseResolved: _on_case_resolved,
    CaseClosed: case_finished,
    ReporterUpdateShared: update_shared,
    AlertDecided: _on_alert_decided,
    AlertSent: alert_changed,
    AlertFailed: alert_changed,
    AlertAcknowledged: alert_changed,
    AlertEscalated: alert_escalated,
    DeadLetterRecorded: record_dead_letters,
    DeadLetterSettled: record_settled,
}
