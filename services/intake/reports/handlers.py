"""Use cases of reports."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.handlers import record_accepted
from services.intake.reports import events
from services.intake.reports.domain import AbuseReport, Accepted, ReportRefused, refusals
from services.intake.reports.receipts import Receipts
from services.intake.reports.tables import ReportRow
from shared.events.envelope import NewEvent
from shared.events.vocabulary import ReportType
from shared.ids import Ids, Reference, ReportId
from shared.messaging.outbox import Outbox


async def submit_report(
    session: AsyncSession, command: AbuseReport, now: datetime, ids: Ids, outbox: Outbox, *, receipts: Receipts
) -> Accepted:
    """Take a report: the report, its ledger row and its event, all or none (S3).

    Raises:
        ReportRefused: something in it is wrong; says which fields.
    """
    if wrong := refusals(command, now):
        raise ReportRefused(wrong)
    code = None if command.reporter.subject else ids.receipt_code()
    report_id = ReportId(ids.uuid())
    reference = await _store(session, report_id, command, now, ids, receipts.hash(code) if code else None)
    await record_accepted(session, report_id, ReportType.ABUSE, now)
    event = events.abuse_report_submitted(report_id, reference, command, now)
    await outbox.append(session, [NewEvent.of(report_id, event)], now)
    return Accepted(report_id, reference, code)


async def _store(
    session: AsyncSession, report_id: ReportId, command: AbuseReport, now: datetime, ids: Ids, receipt: bytes | None
) -> Reference:
    """Insert the row under a reference that nobody has."""
    row = _row(command)
    while True:
        reference = ids.reference()
        statement = insert(ReportRow).values(
            id=report_id, reference=reference, submitted_at=now, receipt_hash=receipt, **row
        )
        unused = statement.on_conflict_do_nothing(index_elements=[ReportRow.reference]).returning(ReportRow.id)
        if await session.scalar(unused):
            return reference


def _row(command: AbuseReport) -> dict[str, object]:
    reporter = command.reporter
    return {
        "report_type": ReportType.ABUSE,
        "confidentiality": reporter.confidentiality,
        "reporter_subject": reporter.subject,
        "reporter_staff_id": reporter.staff_id,
        "reporter_name": reporter.name,
        "reporter_email": reporter.email,
        "reporter_worker_kind": reporter.worker_kind,
        "reporter_safe_contact": reporter.safe_contact,
        "platform": command.platform,
        "platform_name": command.platform_name,
        "content_kind": command.content_kind,
        "content_state": command.content_state,
        "urls": list(command.urls),
        "handles": list(command.handles),
        "behaviours": list(command.behaviours),
        "also_affects": list(command.also_affects),
        "affected": [asdict(person) for person in command.affected],
        "suspected": [asdict(person) for person in command.suspected],
        "occurred_at": command.occurred_at,
        "narrative": command.narrative,
        "evidence_note": command.evidence_note,
        "found_by": command.found_by,
        "manager_alert": command.manager_alert,
        "manager_email": command.manager_email,
    }
