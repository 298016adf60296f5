"""Tells the reporter's manager of misuse where the reporter wanted to be asked first and has now agreed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.decisions import AlertContext, AlertDecision, decide, reasons
from services.notifier.alerts.domain import Choice, Recipient, day_of
from services.notifier.alerts.queries import recipients_of
from services.notifier.delivery.domain import Urgency
from services.notifier.misuse.assigning import directory_for
from services.notifier.misuse.domain import Setting, choose_reporters_manager
from services.notifier.reports.domain import MisuseEvent, ReportEvent, misuse_facts
from shared.events.envelope import Envelope
from shared.events.vocabulary import AlertPurpose, RecipientReason
from shared.ids import AlertId, ReportId

_WAITS = RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT


async def tell_after_all(
    session: AsyncSession,
    envelopes: Sequence[Envelope[ReportEvent]],
    now: datetime,
    *,
    context: AlertContext,
    desk: Recipient,
) -> None:
    """Decide again, once, for each misuse report whose reporter asked to wait and has now said who may know."""
    misuse = {ReportId(e.data.report_id): e for e in envelopes if isinstance(e.data, MisuseEvent)}
    before = await reasons(session, list(misuse), AlertPurpose.MISUSE_REPORTED) if misuse else {}
    waited = {report_id: misuse[report_id] for report_id, reason in before.items() if reason is _WAITS}
    if not waited:
        return
    facts = {report_id: misuse_facts(e.data) for report_id, e in waited.items() if isinstance(e.data, MisuseEvent)}
    directory = await directory_for(session, list(facts.values()))
    working = await recipients_of(session, list(waited), AlertPurpose.MISUSE_ASSIGNED)
    decisions = []
    for report_id, envelope in waited.items():
        setting = Setting(directory, day_of(envelope.time), context.book, desk)
        choice = choose_reporters_manager(facts[report_id], setting, None)
        if choice.recipient and choice.recipient.key in working.get(report_id, ()):
            choice = Choice(RecipientReason.NOBODY_MANAGER_WORKS_IT)
        if choice.reason is not _WAITS:
            decisions.append(_decision(envelope, choice, context))
    await decide(session, decisions, now, context=context)


def _decision(envelope: Envelope[ReportEvent], choice: Choice, context: AlertContext) -> AlertDecision:
    return AlertDecision(
        alert_id=AlertId(context.ids.uuid()),
        report_id=ReportId(envelope.data.report_id),
        reference=envelope.data.reference,
        event_id=envelope.id,
        purpose=AlertPurpose.MISUSE_REPORTED,
        choice=choice,
        urgency=Urgency.NORMAL,
        asked_at=envelope.time,
        occasion="agreed",
    )
