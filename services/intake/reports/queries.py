"""Finds reports. Nobody reads a narrative here: that is triage's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.domain import Addition, AdditionKind
from services.intake.reports.tables import ReportAdditionRow, ReportRow
from shared.events.vocabulary import ManagerAlert, ReportType
from shared.ids import Reference, ReportId


@dataclass(frozen=True, slots=True)
class ReportKey:
    """A report, and what proves that somebody may follow it."""

    report_id: ReportId
    reference: Reference
    report_type: ReportType
    submitted_at: datetime
    reporter_subject: str | None = field(repr=False)
    receipt_hash: bytes | None = field(repr=False)
    manager_alert: ManagerAlert | None = None
    withdrawn_at: datetime | None = None


async def find_report(session: AsyncSession, reference: Reference) -> ReportKey | None:
    """Return the report that `reference` or the reference of one of its linked cases names."""
    row = (await session.execute(_keys().where(ReportRow.reference == whole_report(reference)))).one_or_none()
    return _key(row) if row else None


def whole_report(reference: Reference) -> str:
    """Return the reference of the report that one of its linked cases belongs to."""
    return reference[: len("SP-XXXX-XXXX")]


async def reports_of(session: AsyncSession, subject: str, limit: int = 50) -> Sequence[ReportKey]:
    """Return the newest reports of a signed-in reporter."""
    wanted = _keys().where(ReportRow.reporter_subject == subject)
    rows = await session.execute(wanted.order_by(ReportRow.submitted_at.desc()).limit(limit))
    return [_key(row) for row in rows]


async def additions_to(session: AsyncSession, reports: Sequence[UUID]) -> Mapping[UUID, tuple[Addition, ...]]:
    """Return what was added to each of `reports`, oldest first."""
    found: dict[UUID, tuple[Addition, ...]] = {}
    row = ReportAdditionRow
    for added in await session.scalars(select(row).where(row.report_id.in_(reports)).order_by(row.id)):
        addition = Addition(AdditionKind(added.kind), added.added_at, added.text)
        found[added.report_id] = (*found.get(added.report_id, ()), addition)
    return found


def _keys() -> Select[ReportId, str, str, datetime, str | None, bytes | None, str | None, datetime | None]:
    row = ReportRow
    return select(
        row.id,
        row.reference,
        row.report_type,
        row.submitted_at,
        row.reporter_subject,
        row.receipt_hash,
        row.manager_alert,
        row.withdrawn_at,
    )


def _key(row: Row[ReportId, str, str, datetime, str | None, bytes | None, str | None, datetime | None]) -> ReportKey:
    report_id, reference, report_type, submitted_at, subject, receipt_hash, alert, withdrawn_at = row
    return ReportKey(
        report_id=report_id,
        reference=Reference(reference),
        report_type=ReportType(report_type),
        submitted_at=submitted_at,
        reporter_subject=subject,
        receipt_hash=receipt_hash,
        manager_alert=ManagerAlert(alert) if alert else None,
        withdrawn_at=withdrawn_at,
    )
