"""Between commands and rows: what is called the same is kept under that name."""

from dataclasses import asdict, fields
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import Insert, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.domain import Report
from services.intake.reports.kinds import BY_TYPE, Kind, kind_of
from services.intake.reports.tables import ReportRow
from services.intake.tables import Base
from shared.events.vocabulary import ReportType
from shared.ids import ReportId

_REPORTER = {
    "subject": "reporter_subject",
    "staff_id": "reporter_staff_id",
    "name": "reporter_name",
    "email": "reporter_email",
    "worker_kind": "reporter_worker_kind",
    "safe_contact": "reporter_safe_contact",
    "confidentiality": "confidentiality",
}
"""What the command says of the reporter → its column."""


def common_values(report: Report) -> dict[str, object]:
    """Return what goes into the row that all kinds have."""
    kind = kind_of(report)
    reporter = {column: getattr(report.reporter, name) for name, column in _REPORTER.items()}
    kept = {name: value for name, value in asdict(report).items() if name in _common_names(kind)}
    return {"report_type": kind.report_type, **reporter, **kept}


async def store_details(session: AsyncSession, report_id: ReportId, report: Report) -> None:
    """Store what only this kind has."""
    details = kind_of(report).details
    if details is not None:
        own = {name: value for name, value in asdict(report).items() if name in _columns(details)}
        await session.execute(_insert(details), {"report_id": report_id, **own})


async def load(session: AsyncSession, report_id: ReportId) -> Report:
    """Return a report as it is now, as the command that would submit it. Its row is locked until the commit."""
    common = await _values(session, ReportRow, "id", report_id)
    kind = BY_TYPE[ReportType(str(common["report_type"]))]
    details = await _values(session, kind.details, "report_id", report_id) if kind.details else {}
    said = {name: common[name] for name in _common_names(kind)} | details
    said["reporter"] = {name: common[column] for name, column in _REPORTER.items()}
    return _reader(kind).validate_python(said)


async def _values(session: AsyncSession, row: type[Base], key: str, report_id: ReportId) -> dict[str, object]:
    table = row.table()
    wanted = select(table).where(table.c[key] == report_id).with_for_update()
    found = (await session.execute(wanted)).mappings().one()
    return {name: value for name, value in found.items() if name != key}


@cache
def _insert(row: type[Base]) -> Insert:
    return insert(row.table())


@cache
def _reader(kind: Kind) -> TypeAdapter[Report]:
    return TypeAdapter(kind.command)


@cache
def _common_names(kind: Kind) -> frozenset[str]:
    own = _columns(kind.details) if kind.details else frozenset()
    return frozenset(attribute.name for attribute in fields(kind.command)) & _columns(ReportRow) - own


@cache
def _columns(row: type[Base]) -> frozenset[str]:
    return frozenset(row.table().columns.keys())
