"""The topics that notifier reads: event type → handler, one line each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.triggers import (
    access_changed,
    alert_about_abuse,
    alert_after_amendment,
    leads_asked,
    shift_changed,
)
from services.notifier.cases import handlers as cases
from services.notifier.misuse.handlers import tell_managers_after_agreement
from services.notifier.reports.domain import KnownReport, QuestionEvent, ReportEvent, known_question, known_report
from services.notifier.reports.handlers import remember
from shared.events import intake, registry, topics, triage
from shared.events.envelope import Envelope, Event
from shared.messaging.batch import Handler

GROUP = "signpost-notifier"
TOPICS = (
    topics.ABUSE_REPORTS,
    topics.MISUSE_REPORTS,
    topics.SECURITY_INCIDENTS,
    topics.ENQUIRIES,
    topics.CASES,
    topics.REPORTER_UPDATES,
    topics.ACCESS,
)


@dataclass(frozen=True, slots=True)
class ReportHandlers:
    """Handles reports: remembers them, sends alerts, and follows up the cases that waited for them."""

    follow_ups: cases.FollowUps
    remember_for: timedelta

    async def submitted(self, session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime) -> None:
        """Remember new reports, alert about abuse, and follow up the cases that waited for them."""
        await self._remember(session, [known_report(envelope.data) for envelope in envelopes], now)
        await alert_about_abuse(session, envelopes, now, context=self.follow_ups.context)
        known = [known_report(envelope.data).report_id for envelope in envelopes]
        await self.follow_ups.follow(session, known, now)

    async def amended(self, session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime) -> None:
        """Remember amended reports; their reporters may have agreed that a manager may be told."""
        await self._remember(session, [known_report(envelope.data) for envelope in envelopes], now)
        await alert_after_amendment(session, envelopes, now, context=self.follow_ups.context)
        await tell_managers_after_agreement(
            session, envelopes, now, context=self.follow_ups.context, desk=self.follow_ups.boxes.desk
        )

    async def asked(self, session: AsyncSession, envelopes: Sequence[Envelope[QuestionEvent]], now: datetime) -> None:
        """Remember how to reach those who ask a question or request an exception; no one else is told of it."""
        await self._remember(session, [known_question(envelope.data) for envelope in envelopes], now)

    async def _remember(self, session: AsyncSession, known: Sequence[KnownReport], now: datetime) -> None:
        await remember(session, known, now, remember_for=self.remember_for)


def handlers(reports: ReportHandlers) -> Mapping[type[Event], Handler]:
    """Return the handler of each event type."""
    follow_ups = reports.follow_ups
    access = partial(access_changed, context=follow_ups.context, comms=follow_ups.boxes.comms)
    return {
        intake.AbuseReportSubmitted: reports.submitted,
        intake.AbuseReportAmended: reports.amended,
        intake.MisuseReportSubmitted: reports.submitted,
        intake.MisuseReportAmended: reports.amended,
        intake.SecurityIncidentSubmitted: reports.submitted,
        intake.SecurityIncidentAmended: reports.amended,
        intake.EnquirySubmitted: reports.asked,
        intake.EnquiryAmended: reports.asked,
        intake.PolicyExceptionRequested: reports.asked,
        intake.PolicyExceptionAmended: reports.asked,
        triage.CaseRouted: partial(cases.case_routed, follow_ups=follow_ups),
        triage.CaseTransferred: partial(cases.case_transferred, follow_ups=follow_ups),
        triage.CaseAssigned: partial(cases.case_given, follow_ups=follow_ups),
        triage.CaseTaskGiven: partial(cases.case_given, follow_ups=follow_ups),
        triage.CasePriorityChanged: partial(cases.priority_changed, follow_ups=follow_ups),
        triage.CaseInformationAsked: partial(cases.information_asked, follow_ups=follow_ups),
        triage.ReporterUpdateShared: partial(cases.update_shared, follow_ups=follow_ups),
        triage.CaseReporterReplied: partial(cases.reporter_replied, follow_ups=follow_ups),
        triage.CaseResolved: partial(cases.case_resolved, follow_ups=follow_ups),
        triage.CaseReopened: partial(cases.case_reopened, follow_ups=follow_ups),
        triage.CaseReviewRequested: partial(cases.review_requested, follow_ups=follow_ups),
        triage.CaseReviewed: partial(cases.case_reviewed, follow_ups=follow_ups),
        triage.CaseClosed: partial(cases.case_closed, follow_ups=follow_ups),
        triage.CaseDeadlineAtRisk: partial(cases.deadline_passes, follow_ups=follow_ups),
        triage.CaseDeadlineMissed: partial(cases.deadline_passes, follow_ups=follow_ups),
        triage.ShiftChanged: partial(shift_changed, context=follow_ups.context, leads=follow_ups.boxes.lead_of),
        triage.LeadsAsked: partial(leads_asked, context=follow_ups.context, leads=follow_ups.boxes.lead_of),
        registry.AuthorisationGranted: access,
        registry.AuthorisationWithdrawn: access,
        registry.ReviewDue: access,
        registry.ExceptionExpired: access,
    }
