"""Stores what notifier remembers about reports and their cases, and forgets reports."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.reports.domain import KnownReport, stored_misuse
from services.notifier.reports.tables import KnownCaseRow, KnownReportRow
from shared.events.triage import CaseRouted, CaseTransferred
from shared.events.vocabulary import ReportType
from shared.ids import CaseId, ReportId

_BATCH = 500
_CHANGES = ("says_abuse", "contact", "staff_id", "misuse", "kept_from")


async def remember(
    session: AsyncSession, reports: Sequence[KnownReport], now: datetime, *, remember_for: timedelta
) -> None:
    """Store what later messages need of `reports`. A newer version replaces an older one, but not what was erased."""
    statement = insert(KnownReportRow).values(
        [
            {
                "report_id": report.report_id,
                "reference": report.reference,
                "form": report.form.value,
                "says_abuse": report.says_abuse,
                "contact": report.contact,
                "staff_id": report.staff_id,
                "misuse": stored_misuse(report.misuse) if report.misuse else None,
                "kept_from": list(report.kept_from),
                "forget_at": now + remember_for,
            }
            for report in reports
        ]
    )
    new = statement.excluded
    erased = (KnownReportRow.form == ReportType.MISUSE.value) & KnownReportRow.misuse.is_(None)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[KnownReportRow.report_id], set_={name: new[name] for name in _CHANGES}, where=~erased
        )
    )


async def remember_cases(session: AsyncSession, routed: Sequence[CaseRouted]) -> None:
    """Store routed cases. A known case stays as it is, but for its team if that was not kept when it was routed."""
    rows = [
        {
            "case_id": case.case_id,
            "report_id": case.report_id,
            "report_type": case.report_type,
            "restricted": case.restricted,
            "team": case.team,
        }
        for case in routed
    ]
    new = insert(KnownCaseRow)
    known = new.on_conflict_do_update(
        index_elements=[KnownCaseRow.case_id],
        set_={"team": new.excluded.team},
        where=KnownCaseRow.team.is_(None),
    )
    await session.execute(known, rows)


async def set_teams(session: AsyncSession, transferred: Sequence[CaseTransferred]) -> None:
    """Record which teams have these cases now; of several transfers of one case the last counts."""
    for event in transferred:
        moved = update(KnownCaseRow).where(KnownCaseRow.case_id == event.case_id)
        await session.execute(moved.values(team=event.to_team))


async def set_resolved(session: AsyncSession, case_ids: Collection[CaseId], at: datetime | None) -> None:
    """Record when these cases were resolved; None if they are open again."""
    await session.execute(update(KnownCaseRow).where(KnownCaseRow.case_id.in_(case_ids)).values(resolved_at=at))


async def set_review(session: AsyncSession, case_ids: Collection[CaseId], asked_at: datetime | None) -> None:
    """Record since when the outcomes of these cases wait to be looked at again; None if they do not."""
    waits = update(KnownCaseRow).where(KnownCaseRow.case_id.in_(case_ids)).values(review_asked_at=asked_at)
    await session.execute(waits.execution_options(synchronize_session=False))


async def remember_until(session: AsyncSession, report_ids: Collection[ReportId], at: datetime) -> None:
    """Remember these reports until `at`, or longer if so planned: their reporters are to be told something yet."""
    await session.execute(
        update(KnownReportRow)
        .where(KnownReportRow.report_id.in_(report_ids))
        .values(forget_at=func.greatest(KnownReportRow.forget_at, at))
        .execution_options(synchronize_session=False)
    )


async def forget_after(session: AsyncSession, report_ids: Collection[ReportId], at: datetime) -> None:
    """Forget these reports at `at`, or earlier if so planned: their cases are closed, or the subject is exempt."""
    if report_ids:
        await session.execute(
            update(KnownReportRow)
            .where(KnownReportRow.report_id.in_(report_ids))
            .values(forget_at=func.least(KnownReportRow.forget_at, at))
            .execution_options(synchronize_session=False)
        )


async def erase_subjects(session: AsyncSession, report_ids: Collection[ReportId]) -> None:
    """Erase who these misuse reports are about: the conduct was exempt (C-j)."""
    if report_ids:
        await session.execute(
            update(KnownReportRow)
            .where(KnownReportRow.report_id.in_(report_ids))
            .values(misuse=None, kept_from=[])
            .execution_options(synchronize_session=False)
        )


async def forget_due(session: AsyncSession, now: datetime) -> int:
    """Forget what is no longer needed; return how many reports."""
    due = (
        select(KnownReportRow.report_id)
        .where(KnownReportRow.forget_at <= now)
        .order_by(KnownReportRow.forget_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    gone = await session.scalars(
        delete(KnownReportRow)
        .where(KnownReportRow.report_id.in_(due.scalar_subquery()))
        .returning(KnownReportRow.report_id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
