"""Finds out who may read the alerts about a report."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.cases.queries import has_a_restricted_case
from services.notifier.reports.queries import known_reports
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.events.people_keys import keys_of_member
from shared.ids import ReportId

_LEADS = (Permission.LEAD_SMART, Permission.LEAD_SIRT, Permission.LEAD_TRIAGE_DESK)


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
