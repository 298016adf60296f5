"""Use cases of the conversation: the reporter writes to the team, or asks how far it is."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.conversation.domain import sent_before
from services.intake.reports import domain, kinds
from services.intake.reports.checks import check_text
from services.intake.reports.handlers import keep_addition
from services.intake.reports.queries import ReportKey, StoredReport, lock_report
from services.intake.tracking.queries import status_of
from shared.events.envelope import NewEvent
from shared.events.intake import MessageSent
from shared.ids import Ids
from shared.messaging.outbox import Outbox


async def send_message(
    session: AsyncSession, report: ReportKey, text: str, now: datetime, ids: Ids, outbox: Outbox
) -> domain.Addition:
    """Send `text` to the team; if it has asked something, this is the answer.

    The same text again, as a second click sends it, is the message that was sent already.

    Raises:
        ReportRefused: the text cannot be taken.
        TooManyAdditions: the report has `MOST_ADDITIONS` already.
    """
    check_text(text)
    stored = await lock_report(session, report.report_id)
    status = await status_of(session, report, now)
    if before := sent_before(text, status, now):
        return before
    kind = domain.AdditionKind.ANSWER if status.asked else domain.AdditionKind.MORE
    return await _send(session, stored, domain.Addition(kind, now, text, ids.uuid()), outbox)


async def ask_again(session: AsyncSession, report: ReportKey, now: datetime, ids: Ids, outbox: Outbox) -> None:
    """Ask the team how far it is.

    Raises:
        AskedAlready: it was sent, or asked, less than a day ago.
    """
    stored = await lock_report(session, report.report_id)
    if not domain.may_ask_again(stored.submitted_at, stored.additions, now):
        raise domain.AskedAlready
    asked = domain.Addition(domain.AdditionKind.ASKED_AGAIN, now, domain.ASKED_AGAIN, ids.uuid())
    await _send(session, stored, asked, outbox)


async def _send(
    session: AsyncSession, stored: StoredReport, addition: domain.Addition, outbox: Outbox
) -> domain.Addition:
    await keep_addition(session, stored, addition)
    event = MessageSent.model_validate(
        {
            "report_id": stored.id,
            "reference": stored.reference,
            "at": addition.at,
            "message_id": addition.message_id,
            "kind": addition.kind,
            "text": addition.text,
        }
    )
    topic = kinds.kind_of(stored.report).topic
    await outbox.append(session, [NewEvent.of(stored.id, event, topic=topic)], addition.at)
    return addition
