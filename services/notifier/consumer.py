"""What notifier listens to: event type → handler, one line each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.abuse_reports import alert_about_abuse, alert_after_all
from services.notifier.alerts.accounts import access_changed
from services.notifier.cases import handlers as cases
from services.notifier.cases.follow_ups import FollowUps
from services.notifier.misuse.assignments import tell_managers_after_agreement
from services.notifier.reports.domain import ReportEvent, known_report
from services.notifier.reports.handlers import remember
from shared.events import intake, registry, topics, triage
from shared.events.envelope import Envelope, Event
from shared.messaging.batch import Handler

GROUP = "signpost-notifier"
TOPICS = (topics.ABUSE_REPORTS, topics.MISUSE_REPORTS, topics.SECURITY_INCIDENTS, topics.CASES, topics.ACCESS)


@dataclass(frozen=True, slots=True)
class Receiving:
    """What every handler needs beside its batch."""

    following: FollowUps
    remember_for: timedelta

    async def submitted(self, session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime) -> None:
        """A report came: who is told at once, and what waited for it."""
        await self._remember(session, envelopes, now)
        await alert_about_abuse(session, envelopes, now, context=self.following.context)
        known = [known_report(envelope.data).report_id for envelope in envelopes]
        await self.following.follow(session, known, now)

    async def amended(self, session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime) -> None:
        """A report was added to: its reporter may have said that their manager can be told."""
        await self._remember(session, envelopes, now)
        await alert_after_all(session, envelopes, now, context=self.following.context)
        await tell_managers_after_agreement(
            session, envelopes, now, context=self.following.context, desk=self.following.boxes.desk
        )

    async def _remember(self, session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime) -> None:
        known = [known_report(envelope.data) for envelope in envelopes]
        await remember(session, known, now, remember_for=self.remember_for)


def handlers(receiving: Receiving) -> Mapping[type[Event], Handler]:
    """Return the handler of each event type."""
    following = receiving.following
    access = partial(access_changed, context=following.context, comms=following.boxes.comms)
    return {
        intake.AbuseReportSubmitted: receiving.submitted,
        intake.AbuseReportAmended: receiving.amended,
        intake.MisuseReportSubmitted: receiving.submitted,
        intake.MisuseReportAmended: receiving.amended,
        intake.SecurityIncidentSubmitted: receiving.submitted,
        intake.SecurityIncidentAmended: receiving.amended,
        triage.CaseRouted: partial(cases.case_routed, following=following),
        triage.CaseTransferred: partial(cases.case_transferred, following=following),
        triage.CaseInformationAsked: partial(cases.information_asked, following=following),
        triage.CaseResolved: partial(cases.case_resolved, following=following),
        triage.CaseReopened: partial(cases.case_reopened, following=following),
        triage.CaseClosed: partial(cases.case_closed, following=following),
        triage.CaseDeadlineAtRisk: partial(cases.deadline_passes, following=following),
        triage.CaseDeadlineMissed: partial(cases.deadline_passes, following=following),
        registry.AuthorisationGranted: access,
        registry.AuthorisationWithdrawn: access,
        registry.ReviewDue: access,
        registry.ExceptionExpired: access,
    }
