"""Finds reports. Only a change to a report reads what was said in it: reading reports is triage's work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import BeforeValidator, InstanceOf, TypeAdapter
from sqlalchemy import Executable, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.domain import Addition, AdditionKind, Report
from services.intake.reports.kinds import BY_TYPE, Values, command_of
from services.intake.reports.tables import ReportAdditionRow, ReportRow
from services.intake.tables import Base
from shared.events.vocabulary import Confidentiality, ManagerAlert, ReportType
from shared.ids import Reference, ReportId

_Reference = Annotated[InstanceOf[Reference], BeforeValidator(Reference)]
"""Read from its column."""


@dataclass(frozen=True, slots=True)
class ReportKey:
    """A report, and what proves that a person may follow it."""

    report_id: ReportId
    reference: _Reference
    report_type: ReportType
    submitted_at: datetime
    confidentiality: Confidentiality
    reporter_subject: str | None = field(repr=False)
    receipt_hash: bytes | None = field(repr=False)
    manager_alert: ManagerAlert | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as it is now; its rows are locked until the commit."""

    id: ReportId
    report: Report
    """The command that would submit it."""
    reference: _Reference
    submitted_at: datetime
    withdrawn_at: datetime | None
    additions: tuple[Addition, ...]


_ROW = ReportRow
_KEYS = select(
    _ROW.id.label("report_id"),
    _ROW.reference,
    _ROW.report_type,
    _ROW.submitted_at,
    _ROW.confidentiality,
    _ROW.reporter_subject,
    _ROW.receipt_hash,
    _ROW.manager_alert,
    _ROW.withdrawn_at,
)
_KEY = TypeAdapter(ReportKey)
_STORED = TypeAdapter(StoredReport)


async def find_report(session: AsyncSession, reference: Reference) -> ReportKey | None:
    """Return the report that `reference` or the reference of one of its linked cases names."""
    return await _key_of(session, _KEYS.where(ReportRow.reference == whole_report(reference)))


def whole_report(reference: Reference) -> str:
    """Return the reference of the report that one of its linked cases belongs to."""
    return reference[: len("SP-XXXX-XXXX")]


async def reports_of(session: AsyncSession, subject: str, limit: int = 50) -> Sequence[ReportKey]:
    """Return the newest reports of a signed-in reporter."""
    wanted = _KEYS.where(ReportRow.reporter_subject == subject)
    rows = await session.execute(wanted.order_by(ReportRow.submitted_at.desc()).limit(limit))
    return [_KEY.validate_python(dict(row)) for row in rows.mappings()]


async def additions_to(session: AsyncSession, reports: Sequence[UUID]) -> Mapping[UUID, tuple[Addition, ...]]:
    """Return what was added to each of `reports`, oldest first."""
    found: dict[UUID, tuple[Addition, ...]] = {}
    row = ReportAdditionRow
    for added in await session.scalars(select(row).where(row.report_id.in_(reports)).order_by(row.id)):
        addition = Addition(AdditionKind(added.kind), added.added_at, added.text, added.message_id)
        found[added.report_id] = (*found.get(added.report_id, ()), addition)
    return found


class SaidLater(NamedTuple):
    """That a reporter wrote something after the report."""

    id: int
    report_id: UUID
    at: datetime


async def said_after(session: AsyncSession, after: int, limit: int) -> Sequence[SaidLater]:
    """Return what reporters wrote later, of all reports, in the order of ids, from the one after `after`."""
    row = ReportAdditionRow
    told = or_(row.message_id.is_not(None), row.kind == AdditionKind.REVIEW)
    wanted = select(row.id, row.report_id, row.added_at).where(row.id > after, told).order_by(row.id).limit(limit)
    return [SaidLater(*found) for found in await session.execute(wanted)]


async def lock_report(session: AsyncSession, report_id: ReportId) -> StoredReport:
    """Return a report as it is now, and make other changes of it wait."""
    row = await _locked(session, ReportRow, "id", report_id)
    kind = BY_TYPE[ReportType(str(row["report_type"]))]
    own = await _locked(session, kind.details, "report_id", report_id) if kind.details else {}
    additions = (await additions_to(session, [report_id])).get(report_id, ())
    report = command_of(kind, row, {name: value for name, value in own.items() if name != "report_id"})
    return _STORED.validate_python({**row, "report": report, "additions": additions})


async def find_key(session: AsyncSession, report_id: ReportId) -> ReportKey | None:
    """Return a report without what it says."""
    return await _key_of(session, _KEYS.where(ReportRow.id == report_id))


async def lock_key(session: AsyncSession, report_id: ReportId) -> ReportKey | None:
    """As `find_key`, and make changes of the report wait."""
    return await _key_of(session, _KEYS.where(ReportRow.id == report_id).with_for_update())


async def _key_of(session: AsyncSession, wanted: Executable) -> ReportKey | None:
    row = (await session.execute(wanted)).mappings().one_or_none()
    return _KEY.validate_python(dict(row)) if row else None


async def _locked(session: AsyncSession, row: type[Base], key: str, report_id: ReportId) -> Values:
    table = row.table()
    found = await session.execute(select(table).where(table.c[key] == report_id).with_for_update())
    return {str(name): value for name, value in found.mappings().one().items()}
