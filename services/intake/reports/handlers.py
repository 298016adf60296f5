"""Use cases of reports: taking one of any kind."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.handlers import record_accepted
from services.intake.reports import events
from services.intake.reports.domain import Accepted, Report, ReportRefused, refusals
from services.intake.reports.kinds import kind_of
from services.intake.reports.receipts import Receipts
from services.intake.reports.storing import common_values, store_details
from services.intake.reports.tables import ReportRow
from shared.events.envelope import NewEvent
from shared.ids import Ids, Reference, ReportId
from shared.messaging.outbox import Outbox

_STORE_UNLESS_TAKEN = (
    insert(ReportRow.table()).on_conflict_do_nothing(index_elements=[ReportRow.reference]).returning(ReportRow.id)
)


async def submit_report(
    session: AsyncSession, command: Report, now: datetime, ids: Ids, outbox: Outbox, *, receipts: Receipts
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
    await store_details(session, report_id, command)
    await record_accepted(session, report_id, kind_of(command).report_type, now)
    event = events.submitted(report_id, reference, command, now)
    await outbox.begin(session, [NewEvent.of(report_id, event)], now)
    return Accepted(report_id, reference, code)


async def _store(
    session: AsyncSession, report_id: ReportId, command: Report, now: datetime, ids: Ids, receipt: bytes | None
) -> Reference:
    """Insert the row under a reference that nobody has."""
    row = {"id": report_id, "submitted_at": now, "receipt_hash": receipt, **common_values(command)}
    while True:
        reference = ids.reference()
        if await session.scalar(_STORE_UNLESS_TAKEN, {**row, "reference": reference}):
            return reference
