"""Alerts straight from what was submitted: abuse, by whichever form it came (S3), before triage has seen it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.decisions import AlertContext, AlertDecision, decide, reasons
from services.notifier.alerts.domain import Choice, Concern, Recipient, choose_recipient, urgency_of
from services.notifier.delivery.domain import Urgency
from services.notifier.directory import queries as directory_queries
from services.notifier.directory.domain import Directory
from services.notifier.reports.domain import MisuseEvent, ReportEvent, behaviours_of, misuse_facts, says_abuse
from shared.events.envelope import Envelope
from shared.events.people import name_words
from shared.events.vocabulary import AlertPurpose, FoundBy, RecipientReason
from shared.ids import AlertId, ReportId

_WAITS = RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT
_FIRST, _AGREED = "", "agreed"


async def alert_about_abuse(
    session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime, *, context: AlertContext
) -> None:
    """Choose who is told about each report that says abuse, store choices and alerts, and hand the alerts over (S3)."""
    abuse = [envelope for envelope in envelopes if says_abuse(envelope.data)]
    if not abuse:
        return
    directory = await _directory_for(session, [concern_of(envelope.data) for envelope in abuse])
    decisions = [_about_abuse(envelope, directory, _FIRST, context) for envelope in abuse]
    for envelope in abuse:
        decisions += _found_by_monitoring(envelope, directory, context)
    await decide(session, decisions, now, context=context)


async def alert_after_amendment(
    session: AsyncSession, envelopes: Sequence[Envelope[ReportEvent]], now: datetime, *, context: AlertContext
) -> None:
    """Decide again, once, where the reporter asked to wait and has now said who may know.

    A report that mentions abuse only since it was amended is decided as if it always had.
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
    await decide(session, decisions, now, context=context)


def concern_of(event: ReportEvent) -> Concern:
    """Return the report as choosing a recipient needs it."""
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
    """Tell each person affected, where the directory knows them (C-h); a name alone could be someone else's."""
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
    # Whose agreement is missing matters only where an address was given: it may be their manager's.
    affected = [person for report in reports if report.manager_email for person in report.affected]
    named = [(person.name or "", (person.handle or "").lstrip("@").partition("@")[0]) for person in affected]
    names = {word for said in named for word in name_words(" ".join(said))}
    return await directory_queries.around(
        session,
        [staff_id for staff_id in staff_ids if staff_id],
        [email.strip().lower() for email in emails if email],
        [word for word in names if len(word) > 1],
    )
