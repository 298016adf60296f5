"""Use cases of reports: take one of any kind, let its reporter agree to more or withdraw it, erase an exempt one."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.handlers import record_accepted
from services.intake.reports import domain, kinds
from services.intake.reports.checks import SIGN_IN
from services.intake.reports.queries import StoredReport, lock_report
from services.intake.reports.tables import MisuseReportRow, ReportAdditionRow, ReportRow
from shared.events.envelope import Envelope, NewEvent
from shared.events.triage import CaseResolved
from shared.events.vocabulary import ManagerAlert, Outcome, ReportType
from shared.ids import Ids, ReportId
from shared.messaging import dead_letters
from shared.messaging.outbox import Outbox

_STORE_UNLESS_TAKEN = (
    insert(ReportRow.table()).on_conflict_do_nothing(index_elements=[ReportRow.reference]).returning(ReportRow.id)
)
_STORE_OWN = {kind.details: insert(kind.details.table()) for kind in kinds.KINDS if kind.details}
_ERASED: Mapping[str, object] = {
    "narrative": "",
    "evidence_note": None,
    "platform_name": None,
    "urls": [],
    "handles": [],
    "affected": [],
    "suspected": [],
}
_ERASED_SUBJECT: Mapping[str, None] = {"name": None, "staff_id": None, "handle": None}


async def submit_report(
    session: AsyncSession,
    command: domain.Report,
    now: datetime,
    ids: Ids,
    outbox: Outbox,
    *,
    receipts: domain.ReceiptCodes,
    anonymous: Collection[ReportType] = (ReportType.ABUSE,),
) -> domain.Accepted:
    """Take a report: the report, its ledger row and its event, all or none (S3).

    `anonymous`: the kinds that may come without a name.

    Raises:
        ReportRefused: something in it is wrong; says which fields.
    """
    kind = kinds.kind_of(command)
    if wrong := domain.refusals(command, now):
        raise domain.ReportRefused(wrong)
    if command.reporter.anonymous and kind.report_type not in anonymous:
        raise domain.ReportRefused((domain.Refusal("reporter", SIGN_IN),))
    code = None if command.reporter.subject else ids.receipt_code()
    accepted_id = ReportId(ids.uuid())
    common, own = kinds.rows_of(command)
    receipt = receipts.hash(code) if code else None
    row = {"id": accepted_id, "submitted_at": now, "receipt_hash": receipt, **common}
    reference = ids.reference()
    while not await session.scalar(_STORE_UNLESS_TAKEN, {**row, "reference": reference}):
        reference = ids.reference()  # another report has the first one
    if kind.details:
        await session.execute(_STORE_OWN[kind.details], {"report_id": accepted_id, **own})
    await record_accepted(session, accepted_id, kind.report_type, now)
    event = kinds.submitted(accepted_id, reference, command, now)
    await outbox.begin(session, [NewEvent.of(accepted_id, event)], now)
    return domain.Accepted(accepted_id, reference, code)


async def agree_that_manager_is_told(session: AsyncSession, report_id: ReportId, now: datetime, outbox: Outbox) -> None:
    """Let the manager be told, after the reporter had asked to be asked first (S3).

    Raises:
        NothingToAgreeTo: they had not asked to be asked, or agreed already.
    """
    stored = await lock_report(session, report_id)
    report = stored.report
    if not isinstance(report, domain.Occurrence) or report.manager_alert is not ManagerAlert.ASK_ME_FIRST:
        raise domain.NothingToAgreeTo
    agreed = ManagerAlert.YES
    await session.execute(update(ReportRow).where(ReportRow.id == report_id).values(manager_alert=agreed))
    stored = replace(stored, report=replace(report, manager_alert=agreed))
    addition = domain.Addition(domain.AdditionKind.AGREED, now)
    await keep_addition(session, stored, addition)
    event = kinds.amended(stored.id, stored.reference, stored.report, stored.submitted_at, addition)
    await outbox.append(session, [NewEvent.of(stored.id, event)], now)


async def withdraw(session: AsyncSession, report_id: ReportId, now: datetime, outbox: Outbox) -> datetime:
    """Ask to withdraw, and return since when; the team decides, and the report stays."""
    stored = await lock_report(session, report_id)
    if stored.withdrawn_at is not None:
        return stored.withdrawn_at
    await session.execute(update(ReportRow).where(ReportRow.id == report_id).values(withdrawn_at=now))
    event = kinds.kind_of(stored.report).withdrawn.model_validate(
        {"report_id": report_id, "reference": stored.reference, "at": now}
    )
    await outbox.append(session, [NewEvent.of(report_id, event)], now)
    return now


async def keep_addition(session: AsyncSession, stored: StoredReport, addition: domain.Addition) -> None:
    """Keep what the reporter added to a report that the caller has locked.

    Raises:
        TooManyAdditions: the report has `MOST_ADDITIONS` already.
    """
    if len(stored.additions) >= domain.MOST_ADDITIONS:
        raise domain.TooManyAdditions
    row = {
        "report_id": stored.id,
        "added_at": addition.at,
        "kind": addition.kind,
        "text": addition.text,
        "message_id": addition.message_id,
    }
    await session.execute(insert(ReportAdditionRow), row)


async def erase_exempt(
    session: AsyncSession, events: Sequence[Envelope[CaseResolved]], _now: datetime, *, outbox: Outbox
) -> None:
    """Erase the subjects of exempt reports and everything written about them (C-j); that a report came stays.

    The copies in the outbox and in dead letters go too. Those in the event log leave it by its retention.
    """
    exempt = [event.data.report_id for event in events if event.data.outcome is Outcome.EXEMPT]
    if not exempt:
        return
    await session.execute(update(ReportRow).where(ReportRow.id.in_(exempt)).values(**_ERASED))
    about = update(MisuseReportRow).where(MisuseReportRow.report_id.in_(exempt))
    await session.execute(about.values(subject=_ERASED_SUBJECT))
    added = update(ReportAdditionRow).where(ReportAdditionRow.report_id.in_(exempt))
    await session.execute(added.values(text=None))
    await outbox.erase(session, exempt, _without_content)
    await dead_letters.erase(session, exempt)


def _without_content(value: bytes) -> bytes:
    """Return an event about a report without what was written."""
    erased = {**_ERASED, "subject": {}, "text": "", "reason": "", "note": None}
    written = {name: kept for name, kept in json.loads(value).items() if kept is not None}
    said = {name: erased.get(name, kept) for name, kept in written.items()}
    return json.dumps({name: kept for name, kept in said.items() if kept is not None}).encode()
