"""Follows cases up once both their report and their route are known, whichever came first, exactly once.

The two arrive on different topics. Each looks for the other; a sweep finds the pairs that crossed, and gives up
waiting for a report that never came.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.decisions import AlertContext, AlertDecision, decide
from services.notifier.cases.domain import CaseAlert, FollowUp, Mailboxes, alerts_once_known
from services.notifier.cases.tables import FollowUpRow
from services.notifier.directory import queries as directory_queries
from services.notifier.misuse.assignments import MisuseCase, assign
from services.notifier.reports.domain import KnownReport
from services.notifier.reports.queries import known_reports
from shared.ids import AlertId, CaseId, ReportId, StaffId

_WAIT_FOR_REPORT = timedelta(hours=1)
_BATCH = 2000
_FOLLOW_UP = TypeAdapter(FollowUp)


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Stores what waits for a report, and does it as soon as the report is known."""

    context: AlertContext
    boxes: Mailboxes

    async def expect(self, session: AsyncSession, items: Sequence[FollowUp], now: datetime) -> None:
        """Store what is to be done, and do at once what can be done."""
        if not items:
            return
        rows = [_row(item, now + _WAIT_FOR_REPORT) for item in items]
        await session.execute(insert(FollowUpRow).on_conflict_do_nothing(), rows)
        await self.follow(session, [item.report_id for item in items], now)

    async def follow(self, session: AsyncSession, report_ids: Collection[ReportId], now: datetime) -> None:
        """Do what waits for these reports, as far as they are known."""
        reports = await known_reports(session, report_ids)
        if reports:
            await self._do(session, await _claim(session, FollowUpRow.report_id.in_(reports)), reports, now)

    async def follow_due(self, session: AsyncSession, now: datetime) -> int:
        """Do what waits for a report that is known by now, or has not come in time; return how many were done."""
        some = await session.scalars(select(FollowUpRow.report_id).order_by(FollowUpRow.waits_until).limit(_BATCH))
        waiting = {ReportId(report_id) for report_id in some}
        reports = await known_reports(session, waiting)
        ready = FollowUpRow.report_id.in_(reports) | (FollowUpRow.waits_until <= now)
        items = await _claim(session, FollowUpRow.report_id.in_(waiting) & ready) if waiting else []
        await self._do(session, items, reports, now)
        return len(items)

    async def _do(
        self,
        session: AsyncSession,
        items: Sequence[FollowUp],
        reports: Mapping[ReportId, KnownReport],
        now: datetime,
    ) -> None:
        contacts = await contacts_of(session, reports.values())
        decisions = [
            decision(item.case_id, item.report_id, item.reference, item.event_id, item.at, told, self.context)
            for item in items
            for told in alerts_once_known(item, reports.get(item.report_id), contacts.get(item.report_id))
        ]
        await decide(session, decisions, now, context=self.context)
        asked = [_asked(item, reports.get(item.report_id)) for item in items if _is_for_misuse(item, reports)]
        await assign(session, asked, now, context=self.context, desk=self.boxes.desk)


async def contacts_of(session: AsyncSession, reports: Iterable[KnownReport]) -> dict[ReportId, str]:
    """Return the reporters' addresses; a named colleague's comes from the directory."""
    known = list(reports)
    without = {report.staff_id for report in known if report.staff_id and not report.contact}
    addresses = await directory_queries.addresses_of(session, without)
    found = {r.report_id: r.contact or addresses.get(r.staff_id or StaffId("")) for r in known}
    return {report_id: contact for report_id, contact in found.items() if contact}


def decision(
    case_id: CaseId,
    report_id: ReportId,
    reference: str,
    event_id: str,
    at: datetime,
    told: CaseAlert,
    context: AlertContext,
) -> AlertDecision:
    """Return `told` as a decision about a case."""
    return AlertDecision(
        alert_id=AlertId(context.ids.uuid()),
        report_id=report_id,
        reference=reference,
        event_id=event_id,
        purpose=told.purpose,
        choice=told.choice,
        urgency=told.urgency,
        asked_at=at,
        occasion=told.occasion,
        case_id=case_id,
        page=told.page,
        role=told.role,
    )


async def _claim(session: AsyncSession, which: ColumnElement[bool]) -> list[FollowUp]:
    """Take what waits: the process that deletes it does it."""
    free = select(FollowUpRow.event_id).where(which).order_by(FollowUpRow.event_id).with_for_update(skip_locked=True)
    rows = await session.execute(
        delete(FollowUpRow)
        .where(FollowUpRow.event_id.in_(free.scalar_subquery()))
        .returning(*(column for column in FollowUpRow.__table__.columns if column.name != "waits_until"))
    )
    claimed = [_FOLLOW_UP.validate_python(dict(row)) for row in rows.mappings()]
    return sorted(claimed, key=lambda item: (item.at, item.event_id))


def _is_for_misuse(item: FollowUp, reports: Mapping[ReportId, KnownReport]) -> bool:
    """Misuse that says abuse is SMART's by any form; a case that a person gives to a manager always finds one."""
    report = reports.get(item.report_id)
    says_abuse = report is not None and report.says_abuse
    return item.for_a_manager or (item.is_misuse and not item.by_a_person and not says_abuse)


def _asked(item: FollowUp, report: KnownReport | None) -> MisuseCase:
    return MisuseCase(
        case_id=item.case_id,
        report_id=item.report_id,
        reference=item.reference,
        event_id=item.event_id,
        at=item.at,
        facts=report.misuse if report else None,
        union_activity=item.union_activity,
        for_a_manager=item.for_a_manager,
        by_a_person=item.by_a_person,
    )


def _row(item: FollowUp, waits_until: datetime) -> dict[str, object]:
    return {**_FOLLOW_UP.dump_python(item), "waits_until": waits_until}
