"""Which event says what about the figures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.operations.domain import HeardOfAlerts, HeardOfCase, Missed
from services.triage.operations.handlers import count_alerts, count_cases, note_dead_letters, note_ledger, together
from shared.events.envelope import Envelope, Event
from shared.events.intake import LedgerChanged
from shared.events.notifier import AlertAcknowledged, AlertDecided, AlertSent
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.events.triage import (
    CaseClaimed,
    CaseClosed,
    CaseDeadlineMissed,
    CaseReopened,
    CaseResolved,
    CaseRouted,
    CaseTransferred,
)
from shared.events.vocabulary import AlertPurpose
from shared.messaging.batch import Handler
from shared.observability.metrics import LEDGER_REPORTS

CaseEvent = CaseRouted | CaseClaimed | CaseTransferred | CaseResolved | CaseReopened | CaseClosed | CaseDeadlineMissed
AlertEvent = AlertDecided | AlertSent | AlertAcknowledged
LEDGER_STATES = ("unaccounted", "dead_lettered", "in_flight")
FIRST_ALERTS = frozenset(
    {
        None,
        AlertPurpose.ABUSE_REPORTED,
        AlertPurpose.MISUSE_REPORTED,
        AlertPurpose.MISUSE_ASSIGNED,
        AlertPurpose.INCIDENT_REPORTED,
        AlertPurpose.ENQUIRY_RECEIVED,
        AlertPurpose.ABUSE_FOUND,
    }
)
"""Why somebody is told of a report at first; later news of it is not what the funnel counts."""


async def hear_of_the_ledger(session: AsyncSession, events: Sequence[Envelope[LedgerChanged]], now: datetime) -> None:
    """Keep the ledger's figures, and give them to the metrics."""
    await note_ledger(session, events, now)
    newest = max((event.data for event in events), key=lambda data: data.at)
    for state in LEDGER_STATES:
        LEDGER_REPORTS.labels(state).set(getattr(newest, state))


async def hear_of_cases(session: AsyncSession, events: Sequence[Envelope[CaseEvent]], _now: datetime) -> None:
    """Count the cases that something happened to."""
    await count_cases(session, together([(event.data.case_id, of_case(event.data)) for event in events]))


async def hear_of_alerts(session: AsyncSession, events: Sequence[Envelope[AlertEvent]], _now: datetime) -> None:
    """Count the reports whose alerts went on."""
    heard: dict[UUID, HeardOfAlerts] = defaultdict(HeardOfAlerts)
    for event in events:
        if event.data.purpose not in FIRST_ALERTS:
            continue
        heard[event.data.report_id] |= of_alert(event.data)
    if heard:
        await count_alerts(session, heard)


def of_case(event: CaseEvent) -> HeardOfCase:
    """Return what an event says beside the case's present state."""
    match event:
        case CaseRouted():
            return HeardOfCase(misdirected=event.misdirected)
        case CaseClaimed() | CaseTransferred():
            return HeardOfCase(first_action_at=event.at)
        case CaseResolved():
            return HeardOfCase(first_action_at=event.at, resolved_at=event.at)
        case CaseDeadlineMissed():
            return HeardOfCase(missed=frozenset({Missed(event.due_at, event.kind, event.team)}))
        case _:
            return HeardOfCase()


def of_alert(event: AlertEvent) -> HeardOfAlerts:
    """Return what an event says about the alerts of a report."""
    match event:
        case AlertDecided():
            return HeardOfAlerts(decided=True, anybody=event.anybody)
        case AlertSent():
            return HeardOfAlerts(decided=True, anybody=True, sent=True)
        case _:
            return HeardOfAlerts(decided=True, anybody=True, sent=True, acknowledged=True)


HANDLERS: Mapping[type[Event], Handler] = {
    LedgerChanged: hear_of_the_ledger,
    CaseRouted: hear_of_cases,
    CaseClaimed: hear_of_cases,
    CaseTransferred: hear_of_cases,
    CaseResolved: hear_of_cases,
    CaseReopened: hear_of_cases,
    CaseClosed: hear_of_cases,
    CaseDeadlineMissed: hear_of_cases,
    AlertDecided: hear_of_alerts,
    AlertSent: hear_of_alerts,
    AlertAcknowledged: hear_of_alerts,
    DeadLetterRecorded: note_dead_letters,
    DeadLetterSettled: note_dead_letters,
}
