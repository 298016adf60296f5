"""Reads alerts, and who may read those of a report (S3, and who may see a restricted case)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.domain import AlertState
from services.notifier.alerts.tables import AlertHistoryRow, AlertRow
from services.notifier.delivery.domain import ASKS, Urgency
from services.notifier.reports.queries import has_a_restricted_case, known_reports
from shared.auth.permissions import Permission, Principal
from shared.events.people_keys import keys_of_member
from shared.events.vocabulary import Acknowledgement, AlertPurpose, RecipientReason
from shared.ids import AlertId, CaseId, ReportId, StaffId

_LEADS = (Permission.LEAD_SMART, Permission.LEAD_SIRT, Permission.LEAD_TRIAGE_DESK)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of an alert's history."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as pages and clients may need it."""

    alert_id: AlertId
    report_id: ReportId | None
    case_id: CaseId | None
    purpose: AlertPurpose
    reference: str
    channel: str
    recipient_email: str
    recipient_staff_id: StaffId | None
    about: StaffId | None
    reason: RecipientReason
    urgency: Urgency
    state: AlertState
    answer: Acknowledgement | None
    answered_at: datetime | None
    passed_on: bool
    """Somebody else was told because nobody answered, or the answer was not a yes."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody as the recipient of alerts."""

    staff_id: str | None
    email: str | None

    def received(self, alert: AlertView) -> bool:
        """Tell whether `alert` was sent to them."""
        if alert.recipient_staff_id:
            return alert.recipient_staff_id == self.staff_id
        return self.email is not None and alert.recipient_email == self.email.lower()


async def alert_with_id(session: AsyncSession, alert_id: AlertId) -> AlertView | None:
    """Return one alert."""
    row = await session.get(AlertRow, alert_id)
    return _view(row) if row else None


async def alerts_about(session: AsyncSession, report_id: ReportId) -> list[AlertView]:
    """Return everything that was sent about a report, oldest first."""
    rows = await session.scalars(
        select(AlertRow).where(AlertRow.report_id == report_id).order_by(AlertRow.created_at, AlertRow.alert_id)
    )
    return [_view(row) for row in rows]


async def may_see_alerts(session: AsyncSession, principal: Principal, report_id: ReportId) -> bool:
    """Tell whether `principal` may read every alert about a report: responders, none whom it names as accused.

    Where a case of it is restricted only leads may, and never whoever reported it. Once the report is forgotten, a
    month after its cases are closed, or whom it was about was exempt, nobody may: then only recipients read their own.
    """
    if not principal.may(Permission.SEE_ALERTS):
        return False
    report = (await known_reports(session, [report_id])).get(report_id)
    if report is None or report.exempt:
        return False
    subject = principal.staff_id or principal.subject
    keys = keys_of_member(staff_id=subject, name=principal.name, email=principal.email)
    if not keys.isdisjoint(report.kept_from):
        return False
    return any(map(principal.may, _LEADS)) or not await has_a_restricted_case(session, report_id)


async def histories(session: AsyncSession, alert_ids: Sequence[AlertId]) -> dict[AlertId, list[HistoryEntry]]:
    """Return what happened to each alert, in order."""
    rows = await session.scalars(
        select(AlertHistoryRow).where(AlertHistoryRow.alert_id.in_(alert_ids)).order_by(AlertHistoryRow.id)
    )
    found: dict[AlertId, list[HistoryEntry]] = {alert_id: [] for alert_id in alert_ids}
    for row in rows:
        found[AlertId(row.alert_id)].append(HistoryEntry(row.at, row.what))
    return found


async def not_for_misuse(session: AsyncSession, report_ids: Sequence[ReportId]) -> dict[ReportId, frozenset[str]]:
    """Return the keys of those who must not work these misuse cases.

    They were told as the reporter's manager, of the misuse or of abuse in the same report, so they know who reported;
    or they had the case and it was passed on.
    """
    about_reporter = AlertRow.purpose.in_([AlertPurpose.MISUSE_REPORTED.value, AlertPurpose.ABUSE_REPORTED.value])
    passed_on = (AlertRow.purpose == AlertPurpose.MISUSE_ASSIGNED.value) & AlertRow.escalated_to.is_not(None)
    rows = await session.execute(
        select(AlertRow.report_id, AlertRow.recipient_key, AlertRow.recipient_email).where(
            AlertRow.report_id.in_(report_ids), about_reporter | passed_on
        )
    )
    found: dict[ReportId, frozenset[str]] = {}
    for report_id, key, email in rows.all():
        if report_id:
            found[ReportId(report_id)] = found.get(ReportId(report_id), frozenset()) | {key, email}
    return found


async def recipients_of(
    session: AsyncSession, report_ids: Sequence[ReportId], purpose: AlertPurpose
) -> dict[ReportId, frozenset[str]]:
    """Return the keys of everybody who is, was or would be told about these reports for `purpose`."""
    rows = await session.execute(
        select(AlertRow.report_id, AlertRow.recipient_key, AlertRow.recipient_email, AlertRow.chain).where(
            AlertRow.report_id.in_(report_ids), AlertRow.purpose == purpose.value
        )
    )
    found: dict[ReportId, frozenset[str]] = {}
    for report_id, key, email, chain in rows.all():
        following = {who for link in chain for who in link.values() if who}
        if report_id:
            found[ReportId(report_id)] = found.get(ReportId(report_id), frozenset()) | {key, email} | following
    return found


async def alerts_to(
    session: AsyncSession, viewer: Viewer, *, answered: bool, limit: int, before: AlertId | None = None
) -> list[AlertView]:
    """Return the newest alerts that ask somebody for an answer: those with, or without, one.

    `before` is the last of the page before: what follows it is returned.
    """
    answer = AlertRow.answer.is_not(None) if answered else AlertRow.answer.is_(None)
    asks = AlertRow.purpose.in_([purpose.value for purpose in ASKS])
    statement = select(AlertRow).where(_sent_to(viewer), answer, asks)
    if before:
        last = select(AlertRow.created_at, AlertRow.alert_id).where(AlertRow.alert_id == before, _sent_to(viewer))
        statement = statement.where(tuple_(AlertRow.created_at, AlertRow.alert_id) < last.scalar_subquery())
    rows = await session.scalars(statement.order_by(AlertRow.created_at.desc(), AlertRow.alert_id.desc()).limit(limit))
    return [_view(row) for row in rows]


def _sent_to(viewer: Viewer) -> ColumnElement[bool]:
    return or_(
        AlertRow.recipient_staff_id == (viewer.staff_id or ""),
        AlertRow.recipient_staff_id.is_(None) & (AlertRow.recipient_email == func.lower(viewer.email or "")),
    )


def _view(row: AlertRow) -> AlertView:
    return AlertView(
        alert_id=AlertId(row.alert_id),
        report_id=ReportId(row.report_id) if row.report_id else None,
        case_id=CaseId(row.case_id) if row.case_id else None,
        purpose=AlertPurpose(row.purpose),
        reference=row.reference,
        channel=row.channel,
        recipient_email=row.recipient_email,
        recipient_staff_id=StaffId(row.recipient_staff_id) if row.recipient_staff_id else None,
        about=StaffId(row.about_staff_id) if row.about_staff_id else None,
        reason=RecipientReason(row.reason),
        urgency=Urgency(row.urgency),
        state=AlertState(row.state),
        answer=Acknowledgement(row.answer) if row.answer else None,
        answered_at=row.answered_at,
        passed_on=row.escalated_to is not None,
        created_at=row.created_at,
    )
