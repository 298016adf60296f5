"""Who is alerted when a case moves. Pure; how soon, and in which mailbox, is our choice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.notifier.alerts.domain import Choice, Recipient
from services.notifier.delivery.domain import RecipientRole, Urgency
from services.notifier.misuse.domain import RoutedCase
from services.notifier.reports.domain import KnownReport
from shared.events import triage
from shared.events.vocabulary import (
    UNRECOGNISED,
    AlertPurpose,
    DeadlineKind,
    Open,
    Priority,
    RecipientReason,
    ReportType,
    Team,
)
from shared.ids import StaffId

TAKEN_OVER = "account_takeover"
"""Triage's category for an official account that someone else controls."""
UNION_ACTIVITY = "union_activity"
"""Triage's category for what may be outside the policy (C-j), whatever the report itself says."""
_SOON = frozenset({Priority.P1, Priority.P2})
_OF_FORM: Mapping[ReportType, Team] = {
    ReportType.ABUSE: Team.SMART,
    ReportType.MISUSE: Team.TRIAGE_DESK,
    ReportType.SECURITY_INCIDENT: Team.SIRT,
    ReportType.ENQUIRY: Team.ADVICE_CENTRE,
    ReportType.POLICY_EXCEPTION: Team.POLICY_STANDARDS,
}
"""The team each form belongs to. Misuse goes to a manager, so the triage desk stands in for that form's team."""
_ENQUIRIES = frozenset({ReportType.ENQUIRY, ReportType.POLICY_EXCEPTION})


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """The mailboxes of teams."""

    team: Mapping[Team, Recipient]
    lead: Mapping[Team, Recipient]
    on_call: Mapping[Team, Recipient]
    comms: Recipient

    @property
    def desk(self) -> Recipient:
        """Return the triage desk's mailbox."""
        return self.team[Team.TRIAGE_DESK]

    def lead_of(self, team: Open[Team]) -> Recipient:
        """Return the mailbox of a team's lead; the triage desk's for a team without one."""
        return _of(team, self.lead)


@dataclass(frozen=True, slots=True)
class CaseAlert:
    """One message, or the reason why there is none."""

    purpose: AlertPurpose
    choice: Choice
    urgency: Urgency = Urgency.NORMAL
    page: str = ""
    occasion: str = ""
    role: RecipientRole | None = field(default=None)


@dataclass(frozen=True, slots=True)
class FollowUp(RoutedCase):
    """What to do about a case as soon as its report is known."""

    report_type: str
    form: str
    misdirected: bool

    @property
    def is_misuse(self) -> bool:
        """Return whether a manager may have to work on it, or it was reported as misuse."""
        return ReportType.MISUSE in (self.report_type, self.form)


def form_of(event: triage.CaseRouted) -> Open[ReportType]:
    """Return the form of a case's report."""
    return event.form or event.report_type


def waits_for_report(event: triage.CaseRouted) -> bool:
    """Return whether the other messages need the report; linked cases send no others."""
    return not event.linked and form_of(event) not in _ENQUIRIES


def alerts_at_once(event: triage.CaseRouted, boxes: Mailboxes) -> list[CaseAlert]:
    """Return who is alerted about a routed case, whatever the report says."""
    on_call = _on_call(event, event.team, boxes, str(event.case_id))
    return [*on_call, *_comms(event, boxes), *_both_teams(event, boxes), *_enquiry(event)]


def transfer_alerts(event: triage.CaseTransferred, event_id: str, boxes: Mailboxes) -> list[CaseAlert]:
    """Return who is alerted when a case goes to another team; managers get their own message."""
    if event.to_team is Team.LINE_MANAGER:
        return []
    return list(_on_call(event, event.to_team, boxes, f"{event.case_id} {event_id}"))


def priority_alerts(event: triage.CasePriorityChanged, event_id: str, boxes: Mailboxes) -> list[CaseAlert]:
    """Return who is alerted when a case becomes more urgent; someone on call may not know of a P2 of office hours."""
    if event.before in (Priority.P1, event.priority):
        return []
    return list(_on_call(event, event.team, boxes, f"{event.case_id} {event_id}"))


def alerts_once_known(item: FollowUp, report: KnownReport | None, contact: str | None) -> list[CaseAlert]:
    """Return who is alerted once the report is known, apart from misuse. `report` is None if it never came."""
    told = []
    if item.misdirected:
        told.append(
            reporter_alert(AlertPurpose.REPORT_MOVED, contact, RecipientRole.REPORTER, item.case_id, Urgency.NORMAL)
        )
    says_abuse = report is not None and report.says_abuse
    if item.form not in (ReportType.ABUSE, ReportType.MISUSE) and not says_abuse and not item.by_a_person:
        told.append(CaseAlert(AlertPurpose.INCIDENT_REPORTED, Choice(RecipientReason.NOBODY_NOT_REQUIRED)))
    return told


def reporter_alert(
    purpose: AlertPurpose, contact: str | None, role: RecipientRole, occasion: object, urgency: Urgency
) -> CaseAlert:
    """Return the message to the reporter, or the reason that they cannot be reached."""
    if contact is None:
        return CaseAlert(purpose, Choice(RecipientReason.NOBODY_CANNOT_BE_REACHED), occasion=str(occasion))
    choice = Choice(RecipientReason.THE_REPORTER, Recipient(contact))
    return CaseAlert(purpose, choice, urgency, "/report/track", str(occasion), role)


def reply_alert(
    event: triage.CaseReporterReplied, event_id: str, addresses: Mapping[StaffId, str], boxes: Mailboxes
) -> CaseAlert:
    """Return the message to the person who has the case that its reporter wrote; after them their team's lead is told.

    Where no one has the case no one is told: the queue shows it.
    """
    purpose = AlertPurpose.REPORTER_REPLIED
    if event.assignee is None:
        return CaseAlert(purpose, Choice(RecipientReason.NOBODY_HAS_THE_CASE), occasion=event_id)
    responder, lead = StaffId(event.assignee), _of(event.team, boxes.lead)
    choice = Choice(RecipientReason.TEAM_LEAD, lead)
    if address := addresses.get(responder):
        choice = Choice(RecipientReason.THE_RESPONDER, Recipient(address, responder), (lead,))
    urgency = Urgency.URGENT if event.priority in _SOON else Urgency.LOW
    return CaseAlert(purpose, choice, urgency, f"{_case(event.reference)}/conversation", event_id)


def given_alert(
    event: triage.CaseAssigned | triage.CaseTaskGiven, event_id: str, addresses: Mapping[StaffId, str], boxes: Mailboxes
) -> CaseAlert:
    """Return the message to whom a colleague gave a case or a task; to the team's lead if they have no address."""
    purpose, reason, page = AlertPurpose.CASE_ASSIGNED, RecipientReason.THE_RESPONDER, _case(event.reference)
    if isinstance(event, triage.CaseTaskGiven):
        purpose, reason, page = AlertPurpose.TASK_GIVEN, RecipientReason.GIVEN_A_TASK, f"{page}/tasks"
    responder, lead = StaffId(event.assignee), _of(event.team, boxes.lead)
    choice = Choice(RecipientReason.TEAM_LEAD, lead)
    if address := addresses.get(responder):
        choice = Choice(reason, Recipient(address, responder), (lead,))
    urgency = Urgency.URGENT if event.priority in _SOON else Urgency.NORMAL
    return CaseAlert(purpose, choice, urgency, page, event_id)


def review_alert(event: triage.CaseReviewRequested, event_id: str, boxes: Mailboxes) -> CaseAlert:
    """Return the message to the lead of the team whose outcome is to be looked at again."""
    choice = Choice(RecipientReason.TEAM_LEAD, _of(event.team, boxes.lead))
    page = f"{_case(event.reference)}/review"
    return CaseAlert(AlertPurpose.REVIEW_ASKED, choice, Urgency.NORMAL, page, event_id)


def deadline_alert(
    event: triage.CaseDeadlineAtRisk | triage.CaseDeadlineMissed, event_id: str, boxes: Mailboxes
) -> CaseAlert:
    """Return the message to the lead of the team whose deadline passes."""
    at_risk = isinstance(event, triage.CaseDeadlineAtRisk)
    purpose = AlertPurpose.DEADLINE_AT_RISK if at_risk else AlertPurpose.DEADLINE_MISSED
    lead = _of(event.team, boxes.lead)
    return CaseAlert(
        purpose, Choice(RecipientReason.TEAM_LEAD, lead), _deadline_urgency(event), _case(event.reference), event_id
    )


def _deadline_urgency(event: triage.CaseDeadlineAtRisk | triage.CaseDeadlineMissed) -> Urgency:
    if event.priority in _SOON or event.kind is DeadlineKind.PERSONAL_DATA_BREACH:
        return Urgency.URGENT
    return Urgency.LOW if isinstance(event, triage.CaseDeadlineAtRisk) else Urgency.NORMAL


def _on_call(
    event: triage.CaseRouted | triage.CaseTransferred | triage.CasePriorityChanged,
    team: Open[Team],
    boxes: Mailboxes,
    occasion: str,
) -> Iterable[CaseAlert]:
    """Yield the alert to the person on call about a P1 or P2 outside the team's hours."""
    if not event.staffed and event.priority in _SOON:
        choice = Choice(RecipientReason.TEAM_MAILBOX, _of(team, boxes.on_call))
        yield CaseAlert(AlertPurpose.URGENT_CASE, choice, Urgency.URGENT, _case(event.reference), occasion)


def _comms(event: triage.CaseRouted, boxes: Mailboxes) -> Iterable[CaseAlert]:
    if event.category == TAKEN_OVER and not event.linked:
        choice = Choice(RecipientReason.COMMS, boxes.comms)
        yield CaseAlert(AlertPurpose.ACCOUNT_TAKEN_OVER, choice, Urgency.URGENT, "/accounts", str(event.case_id))


def _both_teams(event: triage.CaseRouted, boxes: Mailboxes) -> Iterable[CaseAlert]:
    """Yield alerts to the team that has it and the team whose form was used (S3); one email if they share a mailbox."""
    if not event.misdirected or event.linked:
        return
    right = _of(event.team, boxes.team)
    form = form_of(event)
    wrong = _of(_OF_FORM.get(form) if form != UNRECOGNISED else None, boxes.team)
    pages = {right: _case(event.reference)} | ({wrong: "/cases"} if wrong != right else {})
    for number, (mailbox, page) in enumerate(pages.items()):
        choice = Choice(RecipientReason.TEAM_MAILBOX, mailbox)
        yield CaseAlert(AlertPurpose.MISDIRECTED, choice, Urgency.NORMAL, page, f"{event.case_id} {number}")


def _enquiry(event: triage.CaseRouted) -> Iterable[CaseAlert]:
    if form_of(event) in _ENQUIRIES and not event.linked:
        yield CaseAlert(AlertPurpose.ENQUIRY_RECEIVED, Choice(RecipientReason.NOBODY_NOT_REQUIRED))


def _of(team: Open[Team] | None, mailboxes: Mapping[Team, Recipient]) -> Recipient:
    """Return a team's mailbox; the triage desk's for a manager's case or an unknown team."""
    known = team if isinstance(team, Team) else Team.TRIAGE_DESK
    return mailboxes.get(known, mailboxes[Team.TRIAGE_DESK])


def _case(reference: str) -> str:
    return f"/cases/{reference}"
