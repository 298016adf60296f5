"""Alerts decided without a case: about abuse by any form (S3), and about access to accounts.

Alerts about abuse follow directly from the report, before triage has seen it; alerts about access follow from
registry's events, and go to operators and owners (S5, S8, D-pia).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.decisions import AlertContext, AlertDecision, reasons, record_decisions
from services.notifier.alerts.domain import Choice, Concern, Recipient, choose_recipient, urgency_of
from services.notifier.delivery.domain import RecipientRole, Urgency
from services.notifier.directory import queries as directory_queries
from services.notifier.directory.domain import Directory
from services.notifier.reports.domain import MisuseEvent, ReportEvent, behaviours_of, misuse_facts, says_abuse
from shared.events.envelope import Envelope
from shared.events.people import name_words
from shared.events.registry import AuthorisationGranted, AuthorisationWithdrawn, ExceptionExpired, ReviewDue
from shared.events.triage import LeadsAsked, ShiftChanged
from shared.events.vocabulary import AlertPurpose, FoundBy, Open, RecipientReason, Team, TeamAsked
from shared.ids import AlertId, ReportId, StaffId

AccessEvent = AuthorisationGranted | AuthorisationWithdrawn | ReviewDue | ExceptionExpired
MOST_COUNTED = 99
_WAITS = RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT
_FIRST, _AGREED = "", "agreed"
"""Occasions (see `DecisionRow.occasion`): the report itself, and the reporter's later agreement.

People affected by what monitoring found are numbered.
"""
_PURPOSES: Mapping[type[AccessEvent], AlertPurpose] = {
    AuthorisationGranted: AlertPurpose.ACCESS_GRANTED,
    AuthorisationWithdrawn: AlertPurpose.ACCESS_WITHDRAWN,
    ReviewDue: AlertPurpose.REVIEW_DUE,
    ExceptionExpired: AlertPurpose.EXCEPTION_EXPIRED,
}


class _Asked(NamedTuple):
    purpose: AlertPurpose
    urgency: Urgency
    page: str


_ASKED: Mapping[str, _Asked] = {
    TeamAsked.HAND_OVER: _Asked(AlertPurpose.CASE_HANDED_OVER, Urgency.NORMAL, "/cases/wellbeing"),
    TeamAsked.MORE_CONTENT: _Asked(AlertPurpose.MORE_CONTENT_ASKED, Urgency.URGENT, "/cases/wellbeing"),
    TeamAsked.SECOND_REVIEW: _Asked(AlertPurpose.SECOND_REVIEW_WAITING, Urgency.LOW, "/cases/second-reviews"),
}
"""A person who asks to see more asks for today; a second review can wait for a digest."""
_TEAMS: Mapping[str, str] = {
    Team.SMART: "SMART",
    Team.SIRT: "SIRT",
    Team.ADVICE_CENTRE: "Security Advice Centre",
    Team.POLICY_STANDARDS: "Security Policy and Standards",
    Team.TRIAGE_DESK: "triage desk",
}
_LOW = frozenset({AlertPurpose.ACCESS_GRANTED, AlertPurpose.REVIEW_DUE})


async def alert_about_abuse(
    session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime, *, context: AlertContext
) -> None:
    """Choose who is alerted about each report of abuse, store choices and alerts, and hand the alerts over (S3)."""
    abuse = [envelope for envelope in envelopes if says_abuse(envelope.data)]
    if not abuse:
        return
    directory = await _directory_for(session, [concern_of(envelope.data) for envelope in abuse])
    decisions = [_about_abuse(envelope, directory, _FIRST, context) for envelope in abuse]
    for envelope in abuse:
        decisions += _found_by_monitoring(envelope, directory, context)
    await record_decisions(session, decisions, now, context=context)


async def alert_after_amendment(
    session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime, *, context: AlertContext
) -> None:
    """Decide again, once, if the reporter asked to wait and has now said who may know.

    A report that mentions abuse only since its amendment is decided as if it always had.
    """
    abuse = [envelope for envelope in envelopes if says_abuse(envelope.data)]
    if not abuse:
        return
    report_ids = [ReportId(envelope.data.report_id) for envelope in abuse]
    before = await reasons(session, report_ids, AlertPurpose.ABUSE_REPORTED)
    directory = await _directory_for(session, [concern_of(envelope.data) for envelope in abuse])
    decisions = []
    for envelope in abuse:
        reason = before.get(ReportId(envelope.data.report_id))
        decision = _about_abuse(envelope, directory, _FIRST if reason is None else _AGREED, context)
        if reason is None or (reason is _WAITS and decision.choice.reason is not _WAITS):
            decisions.append(decision)
    await record_decisions(session, decisions, now, context=context)


def concern_of(event: ReportEvent) -> Concern:
    """Return what the choice of a recipient needs to know about the report."""
    return misuse_facts(event) if isinstance(event, MisuseEvent) else event


def _about_abuse(
    envelope: Envelope[ReportEvent], directory: Directory, occasion: str, context: AlertContext
) -> AlertDecision:
    event = envelope.data
    choice = choose_recipient(concern_of(event), directory, context.book)
    urgency = urgency_of(behaviours_of(event))
    return _decision(envelope, AlertPurpose.ABUSE_REPORTED, choice, urgency, occasion, context)


def _found_by_monitoring(
    envelope: Envelope[ReportEvent], directory: Directory, context: AlertContext
) -> Iterable[AlertDecision]:
    """Alert each affected person who is in the directory (C-h); a name alone could be someone else's."""
    concern = concern_of(envelope.data)
    if concern.found_by is not FoundBy.MONITORING:
        return
    suspected = {member.staff_id for p in concern.suspected if (member := directory.member(p.staff_id))}
    affected = {member.staff_id: member for p in concern.affected if (member := directory.member(p.staff_id))}
    told = [member for staff_id, member in affected.items() if staff_id not in suspected]
    for number, member in enumerate(told):
        choice = Choice(RecipientReason.PERSON_AFFECTED, Recipient(member.email, member.staff_id))
        yield _decision(envelope, AlertPurpose.ABUSE_FOUND, choice, Urgency.NORMAL, str(number), context)
    if not told:
        nobody = Choice(RecipientReason.NOBODY_CANNOT_BE_REACHED)
        yield _decision(envelope, AlertPurpose.ABUSE_FOUND, nobody, Urgency.NORMAL, _FIRST, context)


def _decision(
    envelope: Envelope[ReportEvent],
    purpose: AlertPurpose,
    choice: Choice,
    urgency: Urgency,
    occasion: str,
    context: AlertContext,
) -> AlertDecision:
    event = envelope.data
    return AlertDecision(
        alert_id=AlertId(context.ids.uuid()),
        report_id=ReportId(event.report_id),
        reference=event.reference,
        event_id=envelope.id,
        purpose=purpose,
        choice=choice,
        urgency=urgency,
        asked_at=event.submitted_at if occasion != _AGREED else envelope.time,
        occasion=occasion,
        page="/",
    )


async def _directory_for(session: AsyncSession, reports: Sequence[Concern]) -> Directory:
    """Load everyone these reports name, and everyone above them, in two statements."""
    people = [person for report in reports for person in (*report.affected, *report.suspected)]
    staff_ids = {report.reporter.staff_id for report in reports} | {person.staff_id for person in people}
    emails = {email for report in reports for email in (report.reporter.email, report.manager_email)}
    # Names are looked up only where an address was given: it may belong to the manager of someone who has not agreed.
    affected = [person for report in reports if report.manager_email for person in report.affected]
    named = [(person.name or "", (person.handle or "").lstrip("@").partition("@")[0]) for person in affected]
    names = {word for said in named for word in name_words(" ".join(said))}
    return await directory_queries.around(
        session,
        [staff_id for staff_id in staff_ids if staff_id],
        [email.strip().lower() for email in emails if email],
        [word for word in names if len(word) > 1],
    )


@dataclass(frozen=True, slots=True)
class AccountAlert:
    """One message about an account."""

    purpose: AlertPurpose
    choice: Choice
    urgency: Urgency
    role: RecipientRole


async def access_changed(
    session: AsyncSession,
    envelopes: Sequence[Envelope[AccessEvent]],
    now: datetime,
    *,
    context: AlertContext,
    comms: Recipient,
) -> None:
    """Alert the operator and the owner; no event is published, because this is not about a report."""
    people = {staff_id for envelope in envelopes for staff_id in people_of(envelope.data)}
    addresses = await directory_queries.addresses_of(session, people)
    decisions = [
        AlertDecision(
            alert_id=AlertId(context.ids.uuid()),
            report_id=None,
            reference=str(envelope.data.account_id)[-12:],
            event_id=envelope.id,
            purpose=told.purpose,
            choice=told.choice,
            urgency=told.urgency,
            asked_at=envelope.data.at,
            page=f"/accounts/{envelope.data.account_id}",
            role=told.role,
        )
        for envelope in envelopes
        for told in alerts_for(envelope.data, addresses, comms)
    ]
    await record_decisions(session, decisions, now, context=context)


def people_of(event: AccessEvent) -> set[StaffId]:
    """Return the staff whom an event concerns."""
    return {StaffId(who) for who in (_operator(event), event.owner) if who}


def alerts_for(event: AccessEvent, addresses: Mapping[StaffId, str], comms: Recipient) -> list[AccountAlert]:
    """Return who is alerted; comms instead of the owner, if the owner's address is unknown."""
    purpose = _PURPOSES[type(event)]
    urgency = Urgency.LOW if purpose in _LOW else Urgency.NORMAL
    operator, told = _operator(event), []
    if operator and (address := addresses.get(StaffId(operator))):
        choice = Choice(RecipientReason.ACCOUNT_OPERATOR, Recipient(address, StaffId(operator)))
        told.append(AccountAlert(purpose, choice, urgency, RecipientRole.OPERATOR))
    if not isinstance(event, AuthorisationGranted) and (event.owner is None or event.owner != operator):
        told.append(AccountAlert(purpose, _owner(event.owner, addresses, comms), urgency, RecipientRole.OWNER))
    return told


def _operator(event: AccessEvent) -> str | None:
    return None if isinstance(event, ReviewDue) else event.operator


def _owner(staff_id: str | None, addresses: Mapping[StaffId, str], comms: Recipient) -> Choice:
    address = addresses.get(StaffId(staff_id or ""))
    if staff_id is None or address is None:
        return Choice(RecipientReason.COMMS, comms)
    return Choice(RecipientReason.ACCOUNT_OWNER, Recipient(address, StaffId(staff_id)), (comms,))


async def shift_changed(
    session: AsyncSession,
    envelopes: Sequence[Envelope[ShiftChanged]],
    now: datetime,
    *,
    context: AlertContext,
    leads: Callable[[Open[Team]], Recipient],
) -> None:
    """Tell the lead of each team whose shift begins what there is to hand over; nothing where there is nothing."""
    decisions = [
        AlertDecision(
            alert_id=AlertId(context.ids.uuid()),
            report_id=None,
            reference=f"{counted(event.urgent)} open P1 or P2, {counted(event.due_soon)} more due within 4 hours",
            event_id=envelope.id,
            purpose=AlertPurpose.SHIFT_CHANGED,
            choice=Choice(RecipientReason.TEAM_LEAD, leads(event.team)),
            urgency=Urgency.NORMAL,
            asked_at=event.at,
            page="/cases/shift",
        )
        for envelope in envelopes
        if (event := envelope.data).urgent or event.due_soon
    ]
    await record_decisions(session, decisions, now, context=context)


async def leads_asked(
    session: AsyncSession,
    envelopes: Sequence[Envelope[LeadsAsked]],
    now: datetime,
    *,
    context: AlertContext,
    leads: Callable[[Open[Team]], Recipient],
) -> None:
    """Tell the lead of a team what they are asked for; what a newer triage asks is only on its pages."""
    decisions = [
        AlertDecision(
            alert_id=AlertId(context.ids.uuid()),
            report_id=None,
            reference=_TEAMS.get(envelope.data.team, "Signpost"),
            event_id=envelope.id,
            purpose=asked.purpose,
            choice=Choice(RecipientReason.TEAM_LEAD, leads(envelope.data.team)),
            urgency=asked.urgency,
            asked_at=envelope.data.at,
            page=asked.page,
        )
        for envelope in envelopes
        if (asked := _ASKED.get(envelope.data.kind))
    ]
    await record_decisions(session, decisions, now, context=context)


def counted(number: int) -> str:
    """Return a number that is counted up to 99."""
    return str(number) if number <= MOST_COUNTED else f"{MOST_COUNTED}+"
