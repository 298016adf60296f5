"""Reads alerts, and decides who may read a report's alerts (S3, and who may see a restricted case)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.domain import AlertState
from services.notifier.alerts.tables import AlertHistoryRow, AlertRow
from services.notifier.delivery.domain import ASKS, Urgency
from services.notifier.reports.queries import KnownCase, known_cases, known_reports
from shared.auth.permissions import LEADS, QUEUES, Permission, Principal
from shared.events.people import keys_of_member
from shared.events.vocabulary import Acknowledgement, AlertPurpose, RecipientReason, ReportType, Team
from shared.ids import AlertId, CaseId, ReportId, StaffId


class HistoryEntry(BaseModel):
    """One line of an alert's history."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    at: datetime
    what: str


class AlertView(BaseModel):
    """An alert, as pages and clients may need it."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    alert_id: AlertId
    report_id: ReportId | None
    case_id: CaseId | None
    purpose: AlertPurpose
    reference: str
    channel: str
    recipient_email: str
    recipient_staff_id: StaffId | None
    about: StaffId | None = Field(validation_alias="about_staff_id")
    reason: RecipientReason
    urgency: Urgency
    state: AlertState
    answer: Acknowledgement | None
    answered_at: datetime | None
    escalated_to: AlertId | None
    created_at: datetime
    history: tuple[HistoryEntry, ...] = ()
    """What happened to it, in order, if requested."""

    @property
    def passed_on(self) -> bool:
        """Return whether the next person was alerted, because no answer came or it was not yes."""
        return self.escalated_to is not None


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who receives alerts."""

    staff_id: str | None
    email: str | None

    def received(self, alert: AlertView) -> bool:
        """Return whether `alert` was sent to them."""
        if alert.recipient_staff_id:
            return alert.recipient_staff_id == self.staff_id
        return self.email is not None and alert.recipient_email == self.email.lower()


async def alert_with_id(session: AsyncSession, alert_id: AlertId) -> AlertView | None:
    """Return one alert."""
    row = await session.get(AlertRow, alert_id)
    return AlertView.model_validate(row) if row else None


async def alerts_about(session: AsyncSession, report_id: ReportId) -> list[AlertView]:
    """Return everything that was sent about a report, oldest first, each with its history."""
    rows = await session.scalars(
        select(AlertRow).where(AlertRow.report_id == report_id).order_by(AlertRow.created_at, AlertRow.alert_id)
    )
    alerts = [AlertView.model_validate(row) for row in rows]
    history = await _histories(session, [alert.alert_id for alert in alerts])
    return [alert.model_copy(update={"history": tuple(history[alert.alert_id])}) for alert in alerts]


async def alerts_seen_by(session: AsyncSession, principal: Principal, report_id: ReportId) -> list[AlertView]:
    """Return the alerts about a report that `principal` may read, oldest first.

    Responders read those about cases that their team has; about a restricted case only the leads of that team do
    (decision 0018), and never who it is about or its reporter. Those about the report itself are for everyone who may
    see one of its cases. Once the report is forgotten, a month after its cases are closed, or if its subject was
    exempt, only recipients read their own.
    """
    viewer = Viewer(principal.staff_id, principal.email)
    seen = await _cases_seen_by(session, principal, report_id)
    alerts = await alerts_about(session, report_id)
    return [alert for alert in alerts if alert.case_id in seen or viewer.received(alert)]


async def _cases_seen_by(session: AsyncSession, principal: Principal, report_id: ReportId) -> set[CaseId | None]:
    """Return the cases whose alerts they may read; None stands for the report itself."""
    report = (await known_reports(session, [report_id])).get(report_id)
    subject = principal.staff_id or principal.subject
    keys = keys_of_member(staff_id=subject, name=principal.name, email=principal.email)
    if not principal.may(Permission.SEE_ALERTS) or report is None or report.exempt:
        return set()
    if not keys.isdisjoint(report.kept_from):
        return set()
    cases = await known_cases(session, report_id)
    seen: set[CaseId | None] = {case.case_id for case in cases if _may_see(principal, case)}
    not_routed_yet = not cases and report.form is not ReportType.MISUSE
    return seen | {None} if seen or not_routed_yet else set()


def _may_see(principal: Principal, case: KnownCase) -> bool:
    """Return whether a case is one of their team's; of a restricted case, whether they lead the team."""
    if case.team is None:
        return not case.restricted
    permission = (LEADS if case.restricted else QUEUES).get(Team(case.team)) if case.team in set(Team) else None
    return permission is not None and principal.may(permission)


async def not_for_misuse(session: AsyncSession, report_ids: Sequence[ReportId]) -> dict[ReportId, frozenset[str]]:
    """Return the keys of people who must not work on these misuse cases.

    They were alerted as the reporter's manager, about the misuse or about abuse in the same report, so they know who
    reported; or they had the case and it was escalated.
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
    """Return the keys of everyone who is, was or would be alerted about these reports for `purpose`."""
    rows = await session.execute(
        select(AlertRow.report_id, AlertRow.recipient_key, AlertRow.recipient_email, AlertRow.chain).where(
            AlertRow.report_id.in_(report_ids), AlertRow.purpose == purpose.value
        )
    )
    found: dict[ReportId, frozenset[str]] = {}
    for report_id, key, email, chain in rows.all():
        coming_next = {who for link in chain for who in link.values() if who}
        if report_id:
            found[ReportId(report_id)] = found.get(ReportId(report_id), frozenset()) | {key, email} | coming_next
    return found


async def alerts_to(
    session: AsyncSession, viewer: Viewer, *, answered: bool, limit: int, before: AlertId | None = None
) -> list[AlertView]:
    """Return the newest alerts that ask `viewer` for an answer: those that have one, or those that do not.

    `before` is the last alert of the previous page; those after it are returned.
    """
    answer = AlertRow.answer.is_not(None) if answered else AlertRow.answer.is_(None)
    asks = AlertRow.purpose.in_([purpose.value for purpose in ASKS])
    statement = select(AlertRow).where(_sent_to(viewer), answer, asks)
    if before:
        last = select(AlertRow.created_at, AlertRow.alert_id).where(AlertRow.alert_id == before, _sent_to(viewer))
        statement = statement.where(tuple_(AlertRow.created_at, AlertRow.alert_id) < last.scalar_subquery())
    rows = await session.scalars(statement.order_by(AlertRow.created_at.desc(), AlertRow.alert_id.desc()).limit(limit))
    return [AlertView.model_validate(row) for row in rows]


def _sent_to(viewer: Viewer) -> ColumnElement[bool]:
    return or_(
        AlertRow.recipient_staff_id == (viewer.staff_id or ""),
        AlertRow.recipient_staff_id.is_(None) & (AlertRow.recipient_email == func.lower(viewer.email or "")),
    )


async def _histories(session: AsyncSession, alert_ids: Sequence[AlertId]) -> dict[AlertId, list[HistoryEntry]]:
    rows = await session.scalars(
        select(AlertHistoryRow).where(AlertHistoryRow.alert_id.in_(alert_ids)).order_by(AlertHistoryRow.id)
    )
    found: dict[AlertId, list[HistoryEntry]] = {alert_id: [] for alert_id in alert_ids}
    for row in rows:
        found[AlertId(row.alert_id)].append(HistoryEntry.model_validate(row))
    return found
