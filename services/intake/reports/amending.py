"""Use cases of a report that was sent: its reporter adds to it, agrees, asks again or withdraws it."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports import events
from services.intake.reports.additions import (
    ASKED_AGAIN,
    MOST,
    AskedAlready,
    NothingToAgreeTo,
    TooManyAdditions,
    check_text,
)
from services.intake.reports.domain import Addition, AdditionKind, Occurrence, Report, may_ask_again
from services.intake.reports.kinds import kind_of
from services.intake.reports.queries import additions_to
from services.intake.reports.storing import load
from services.intake.reports.tables import ReportAdditionRow, ReportRow
from shared.events.envelope import NewEvent
from shared.events.vocabulary import ManagerAlert
from shared.ids import Reference, ReportId
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class _Kept:
    """A report as it is now; its row is locked."""

    report_id: ReportId
    report: Report
    reference: Reference
    submitted_at: datetime
    withdrawn_at: datetime | None
    additions: tuple[Addition, ...]


async def add_text(
    session: AsyncSession, report_id: ReportId, text: str, now: datetime, outbox: Outbox, *, answers_question: bool
) -> None:
    """Add `text`; the same text again, as a second click sends it, adds nothing.

    Raises:
        ReportRefused: the text cannot be taken.
        TooManyAdditions: nobody adds that often.
    """
    check_text(text)
    kept = await _kept(session, report_id)
    if any(addition.text == text for addition in kept.additions[-1:]):
        return
    kind = AdditionKind.ANSWER if answers_question else AdditionKind.MORE
    await _amend(session, kept, Addition(kind, now, text), outbox)


async def agree_that_manager_is_told(session: AsyncSession, report_id: ReportId, now: datetime, outbox: Outbox) -> None:
    """Let the manager be told, after the reporter had asked to be asked first (S3).

    Raises:
        NothingToAgreeTo: they had not asked to be asked, or agreed already.
    """
    kept = await _kept(session, report_id)
    report = kept.report
    if not isinstance(report, Occurrence) or report.manager_alert is not ManagerAlert.ASK_ME_FIRST:
        raise NothingToAgreeTo
    agreed = ManagerAlert.YES
    await session.execute(update(ReportRow).where(ReportRow.id == report_id).values(manager_alert=agreed))
    kept = replace(kept, report=replace(report, manager_alert=agreed))
    await _amend(session, kept, Addition(AdditionKind.AGREED, now), outbox)


async def ask_again(session: AsyncSession, report_id: ReportId, now: datetime, outbox: Outbox) -> None:
    """Ask the team how far it is.

    Raises:
        AskedAlready: it was sent, or asked, less than a day ago.
    """
    kept = await _kept(session, report_id)
    if not may_ask_again(kept.submitted_at, kept.additions, now):
        raise AskedAlready
    await _amend(session, kept, Addition(AdditionKind.ASKED_AGAIN, now, ASKED_AGAIN), outbox)


async def withdraw(session: AsyncSession, report_id: ReportId, now: datetime, outbox: Outbox) -> datetime:
    """Ask that nothing more is done, and return since when; the team decides, and the report stays."""
    kept = await _kept(session, report_id)
    if kept.withdrawn_at is not None:
        return kept.withdrawn_at
    await session.execute(update(ReportRow).where(ReportRow.id == report_id).values(withdrawn_at=now))
    event = kind_of(kept.report).withdrawn.model_validate(
        {"report_id": report_id, "reference": kept.reference, "at": now}
    )
    await outbox.append(session, [NewEvent.of(report_id, event)], now)
    return now


async def _kept(session: AsyncSession, report_id: ReportId) -> _Kept:
    report = await load(session, report_id)
    row = ReportRow
    wanted = select(row.reference, row.submitted_at, row.withdrawn_at).where(row.id == report_id)
    reference, submitted_at, withdrawn_at = (await session.execute(wanted)).one()
    additions = (await additions_to(session, [report_id])).get(report_id, ())
    return _Kept(report_id, report, Reference(reference), submitted_at, withdrawn_at, additions)


async def _amend(session: AsyncSession, kept: _Kept, addition: Addition, outbox: Outbox) -> None:
    if len(kept.additions) >= MOST:
        raise TooManyAdditions
    event = events.amended(
        kept.report_id,
        kept.reference,
        kept.report,
        kept.submitted_at,
        now=addition.at,
        text=addition.text,
        answers_question=addition.kind is AdditionKind.ANSWER,
    )
    row = insert(ReportAdditionRow).values(
        report_id=kept.report_id, added_at=addition.at, kind=addition.kind, text=addition.text
    )
    await session.execute(row)
    await outbox.append(session, [NewEvent.of(kept.report_id, event)], addition.at)
