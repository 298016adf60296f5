"""The reporter asks for an outcome to be looked at again: once an outcome, and only when the report is finished."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports import domain, kinds
from services.intake.reports.checks import check_text
from services.intake.reports.handlers import keep_addition
from services.intake.reports.queries import ReportKey, lock_report
from services.intake.tracking.queries import status_of
from shared.events.envelope import NewEvent
from shared.events.intake import OutcomeReviewRequested
from shared.messaging.outbox import Outbox

REASON_LIMIT = 10_000
"""Characters: in any script they fit in the body of a request."""


async def ask_for_review(session: AsyncSession, report: ReportKey, reason: str, now: datetime, outbox: Outbox) -> None:
    """Ask for the outcome of a report to be looked at again.

    Raises:
        ReportRefused: the reason cannot be taken.
        NothingToReview: the report is not finished, or nothing of it can be looked at again.
        ReviewAskedAlready: it was asked since the outcome.
        TooManyAdditions: the report has `MOST_ADDITIONS` already.
    """
    check_text(reason, "reason", "Enter why this should be looked at again", REASON_LIMIT)
    stored = await lock_report(session, report.report_id)
    status = await status_of(session, report, now)
    if status.outcome_at is None:
        raise domain.NothingToReview
    if not status.may_ask_for_review:
        raise domain.ReviewAskedAlready
    at = max(now, status.outcome_at)  # another machine's clock may be ahead of ours
    await keep_addition(session, stored, domain.Addition(domain.AdditionKind.REVIEW, at, reason))
    event = OutcomeReviewRequested(report_id=stored.id, reference=stored.reference, at=at, reason=reason)
    topic = kinds.kind_of(stored.report).topic
    await outbox.append(session, [NewEvent.of(stored.id, event, topic=topic)], now)
