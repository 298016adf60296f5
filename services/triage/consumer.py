"""The handler of each event, one line each."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts.handlers import project_accounts
from services.triage.cases.writer import CaseWriter
from services.triage.evidence.handlers import add_evidence, note_scan, remove_evidence
from services.triage.managers.handlers import manager_acted, manager_assigned, referred
from services.triage.operations.handlers import (
    project_alerts,
    project_cases,
    project_dead_letters,
    project_ledger,
    project_overdue_steps,
)
from services.triage.outcome_reviews.handlers import ask as ask_for_review
from services.triage.people_told.handlers import project as project_told
from services.triage.reporters.handlers import add_information, ask_withdrawal, hear, open_for_reports
from services.triage.routing.domain import RuleBook
from services.triage.wellbeing.handlers import choose
from shared.events import intake, notifier, topics, triage
from shared.events.envelope import Envelope, Event
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled, OverdueStepsCounted
from shared.events.registry import AccountChanged
from shared.messaging.batch import Handler
from shared.people import project_people

GROUP = "signpost-triage"
TOPICS = (
    topics.ABUSE_REPORTS,
    topics.MISUSE_REPORTS,
    topics.SECURITY_INCIDENTS,
    topics.ENQUIRIES,
    topics.ALERTS,
)

ACCOUNTS_GROUP = "signpost-triage-accounts"
ACCOUNTS_TOPICS = (topics.ACCOUNTS, topics.DIRECTORY)
ACCOUNTS_HANDLERS: Mapping[type[Event], Handler] = {
    AccountChanged: project_accounts,
    notifier.StaffListed: project_people,
}


async def _alert_said(
    session: AsyncSession,
    events: Sequence[Envelope[notifier.AlertDecided | notifier.AlertSent | notifier.AlertAcknowledged]],
    now: datetime,
) -> None:
    await project_alerts(session, events, now)
    await project_told(session, events, now)


OPERATIONS_GROUP = "signpost-triage-operations"
OPERATIONS_TOPICS = (topics.LEDGER, topics.CASES, topics.ALERTS, topics.DEAD_LETTERS, topics.OVERDUE_STEPS)
OPERATIONS_HANDLERS: Mapping[type[Event], Handler] = {
    intake.LedgerChanged: project_ledger,
    triage.CaseRouted: project_cases,
    triage.CaseAnswered: project_cases,
    triage.CaseTakedownChanged: project_cases,
    triage.CaseTransferred: project_cases,
    triage.CaseResolved: project_cases,
    triage.CaseReopened: project_cases,
    triage.CaseClosed: project_cases,
    triage.CaseMerged: project_cases,
    triage.CaseUnmerged: project_cases,
    triage.CaseReviewRequested: project_cases,
    triage.CaseReviewed: project_cases,
    triage.CaseDeadlineMissed: project_cases,
    notifier.AlertDecided: _alert_said,
    notifier.AlertSent: _alert_said,
    notifier.AlertAcknowledged: _alert_said,
    notifier.AlertDelivered: project_told,
    notifier.AlertFailed: project_told,
    notifier.AlertEscalated: project_told,
    DeadLetterRecorded: project_dead_letters,
    DeadLetterSettled: project_dead_letters,
    OverdueStepsCounted: project_overdue_steps,
}


def operations_handlers(shares: Mapping[str, int], writer: CaseWriter) -> Mapping[type[Event], Handler]:
    """Return the handlers of the figures; what is resolved may also go to a second person."""

    async def resolved(session: AsyncSession, events: Sequence[Envelope[triage.CaseResolved]], now: datetime) -> None:
        await project_cases(session, events, now)
        await choose(session, events, now, shares=shares, writer=writer)

    return {**OPERATIONS_HANDLERS, triage.CaseResolved: resolved}


def handlers(writer: CaseWriter, rulebook: Callable[[], RuleBook]) -> Mapping[type[Event], Handler]:
    """Return the handlers of the main group."""
    amended, withdrawn = partial(add_information, writer=writer), partial(ask_withdrawal, writer=writer)
    opens = partial(open_for_reports, rulebook=rulebook, writer=writer)
    return {
        intake.AbuseReportSubmitted: opens,
        intake.MisuseReportSubmitted: opens,
        intake.SecurityIncidentSubmitted: opens,
        intake.EnquirySubmitted: opens,
        intake.PolicyExceptionRequested: opens,
        intake.AbuseReportAmended: amended,
        intake.MisuseReportAmended: amended,
        intake.SecurityIncidentAmended: amended,
        intake.EnquiryAmended: amended,
        intake.PolicyExceptionAmended: amended,
        intake.MessageSent: partial(hear, writer=writer),
        intake.EvidenceAdded: partial(add_evidence, writer=writer),
        intake.EvidenceRemoved: partial(remove_evidence, writer=writer),
        intake.EvidenceScanned: partial(note_scan, writer=writer),
        intake.AbuseReportWithdrawn: withdrawn,
        intake.MisuseReportWithdrawn: withdrawn,
        intake.SecurityIncidentWithdrawn: withdrawn,
        intake.EnquiryWithdrawn: withdrawn,
        intake.PolicyExceptionWithdrawn: withdrawn,
        intake.OutcomeReviewRequested: partial(ask_for_review, writer=writer),
        notifier.ManagerAssigned: partial(manager_assigned, writer=writer),
        notifier.ManagerActionRecorded: partial(manager_acted, writer=writer),
        notifier.SirtReferralRequested: partial(referred, writer=writer),
    }
