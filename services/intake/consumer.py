"""The handler of each event in intake. They are projections: order does not matter, the newest event counts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence.handlers import erase_exempt as erase_evidence
from services.intake.ledger.handlers import record_alert_decisions, record_cases, record_dead_letters, record_settled
from services.intake.reports.handlers import erase_exempt
from services.intake.tracking import handlers as tracking
from shared.events import notifier, topics, triage
from shared.events.envelope import Envelope, Event
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.messaging.batch import Handler
from shared.messaging.outbox import Outbox

GROUP = "signpost-intake"
TOPICS = (topics.CASES, topics.REPORTER_UPDATES, topics.ALERTS, topics.DEAD_LETTERS)


async def _on_case_opened(session: AsyncSession, events: Sequence[Envelope[triage.CaseOpened]], now: datetime) -> None:
    await tracking.case_opened(session, events, now)
    await record_cases(session, events, now)


async def _on_case_resolved(
    session: AsyncSession, events: Sequence[Envelope[triage.CaseResolved]], now: datetime, *, outbox: Outbox
) -> None:
    await tracking.case_finished(session, events, now)
    await erase_exempt(session, events, now, outbox=outbox)
    await erase_evidence(session, events, now)


async def _on_alert_decided(
    session: AsyncSession, events: Sequence[Envelope[notifier.AlertDecided]], now: datetime
) -> None:
    await tracking.alert_changed(session, events, now)
    await record_alert_decisions(session, events, now)


def handlers(outbox: Outbox) -> Mapping[type[Event], Handler]:
    """Return the handler of each event type."""
    return {
        triage.CaseOpened: _on_case_opened,
        triage.CaseTransferred: tracking.case_transferred,
        triage.CaseClaimed: tracking.case_worked,
        triage.CaseAssigned: tracking.case_worked,
        triage.CaseReopened: tracking.case_worked,
        triage.CaseMerged: tracking.case_worked,
        triage.CaseUnmerged: tracking.case_unmerged,
        triage.CaseResolved: partial(_on_case_resolved, outbox=outbox),
        triage.CaseClosed: tracking.case_finished,
        triage.CaseReviewRequested: tracking.review_asked,
        triage.CaseReviewed: tracking.case_reviewed,
        triage.ReporterUpdateShared: tracking.update_shared,
        notifier.AlertDecided: _on_alert_decided,
        notifier.AlertSent: tracking.alert_changed,
        notifier.AlertDelivered: tracking.alert_changed,
        notifier.AlertFailed: tracking.alert_changed,
        notifier.AlertAcknowledged: tracking.alert_changed,
        notifier.AlertEscalated: tracking.alert_escalated,
        DeadLetterRecorded: record_dead_letters,
        DeadLetterSettled: record_settled,
    }
