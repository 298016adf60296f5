"""Reads where a report is, and what was shared about it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence.queries import items_of
from services.intake.reports.queries import ReportKey, additions_to
from services.intake.tracking import domain
from services.intake.tracking.status import status
from services.intake.tracking.tables import SharedUpdateRow, TrackedAlertRow, TrackedCaseRow
from shared.events.vocabulary import Outcome


async def statuses(session: AsyncSession, reports: Sequence[ReportKey], now: datetime) -> Sequence[domain.Status]:
    """Return where each of `reports` is, in their order, with five statements for all of them."""
    ids = [report.report_id for report in reports]
    cases, alerts, updates = await _cases(session, ids), await _alerts(session, ids), await _updates(session, ids)
    additions, evidence = await additions_to(session, ids), await items_of(session, ids)

    def known(report_id: UUID) -> domain.Known:
        return domain.Known(
            cases.get(report_id, ()),
            alerts.get(report_id, ()),
            updates.get(report_id, ()),
            additions.get(report_id, ()),
            evidence.get(report_id, ()),
        )

    return [status(report, known(report.report_id), now) for report in reports]


async def status_of(session: AsyncSession, report: ReportKey, now: datetime) -> domain.Status:
    """Return where `report` is."""
    return (await statuses(session, [report], now))[0]


async def is_exempt(session: AsyncSession, report_id: UUID) -> bool:
    """Return whether every case of a report that is known here is exempt (C-j)."""
    row = TrackedCaseRow
    every = func.coalesce(func.bool_and(row.outcome.is_not_distinct_from(Outcome.EXEMPT)), false())
    return bool(await session.scalar(select(every).where(row.report_id == report_id)))


async def _cases(session: AsyncSession, reports: Sequence[UUID]) -> dict[UUID, list[domain.TrackedCase]]:
    found: dict[UUID, list[domain.TrackedCase]] = {}
    for row in await session.scalars(select(TrackedCaseRow).where(TrackedCaseRow.report_id.in_(reports))):
        case = domain.TrackedCase(
            domain.Stage(row.stage),
            row.team,
            row.team_since,
            row.changed_at,
            row.linked,
            row.outcome,
            row.resolved_at,
            row.review_asked_at,
            row.reviewed_at,
            row.review_result,
        )
        found.setdefault(row.report_id, []).append(case)
    return found


async def _alerts(session: AsyncSession, reports: Sequence[UUID]) -> dict[UUID, list[domain.TrackedAlert]]:
    found: dict[UUID, list[domain.TrackedAlert]] = {}
    for row in await session.scalars(select(TrackedAlertRow).where(TrackedAlertRow.report_id.in_(reports))):
        alert = domain.TrackedAlert(domain.ManagerAlertState(row.state), row.reason or "", row.changed_at, row.purpose)
        found.setdefault(row.report_id, []).append(alert)
    return found


async def _updates(session: AsyncSession, reports: Sequence[UUID]) -> dict[UUID, list[domain.SharedUpdate]]:
    """Return what was shared about each of `reports`, newest first; ids tell the order of what one moment brought."""
    found: dict[UUID, list[domain.SharedUpdate]] = {}
    row = SharedUpdateRow
    newest_first = select(row).where(row.report_id.in_(reports)).order_by(row.at.desc(), row.event_id.desc())
    for update in await session.scalars(newest_first):
        found.setdefault(update.report_id, []).append(domain.SharedUpdate(update.at, update.text, update.asks))
    return found
