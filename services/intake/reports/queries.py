"""Finds reports. Nobody reads a narrative here: that is triage's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.tables import ReportRow
from shared.ids import Reference, ReportId


@dataclass(frozen=True, slots=True)
class ReportKey:
    """A report, and what proves that somebody may follow it."""

    report_id: ReportId
    reference: Reference
    submitted_at: datetime
    reporter_subject: str | None = field(repr=False)
    receipt_hash: bytes | None = field(repr=False)


async def find_report(session: AsyncSession, reference: Reference) -> ReportKey | None:
    """Return the report that `reference` or the reference of one of its linked cases names."""
    row = (await session.execute(_keys().where(ReportRow.reference == whole_report(reference)))).one_or_none()
    return _key(*row) if row else None


def whole_report(reference: Reference) -> str:
    """Return the reference of the report that one of its linked cases belongs to."""
    return reference[: len("SP-XXXX-XXXX")]


async def reports_of(session: AsyncSession, subject: str, limit: int = 50) -> Sequence[ReportKey]:
    """Return the newest reports of a signed-in reporter."""
    wanted = _keys().where(ReportRow.reporter_subject == subject)
    rows = await session.execute(wanted.order_by(ReportRow.submitted_at.desc()).limit(limit))
    return [_key(*row) for row in rows]


def _keys() -> Select[ReportId, str, datetime, str | None, bytes | None]:
    row = ReportRow
    return select(row.id, row.reference, row.submitted_at, row.reporter_subject, row.receipt_hash)


def _key(
    report_id: ReportId, reference: str, submitted_at: datetime, subject: str | None, receipt_hash: bytes | None
) -> ReportKey:
    return ReportKey(report_id, Reference(reference), submitted_at, subject, receipt_hash)
