"""Handles triage's events about cases, batch by batch, and follows up cases once their report is known too.

A case and its report arrive on different topics, and each looks for the other. A sweep finds pairs that missed each
other, and gives up on reports that never came. Each case is followed up exactly once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.decisions import AlertContext, AlertDecision, record_decisions
from services.notifier.cases import domain
from services.notifier.cases.tables import FollowUpRow
from services.notifier.delivery.domain import RecipientRole, Urgency
from services.notifier.directory import queries as directory_queries
from services.notifier.misuse import handlers as misuse
from services.notifier.reports import handlers as reports
from services.notifier.reports.domain import KnownReport
from services.notifier.reports.queries import known_reports, waiting_reviews, with_an_open_case
from shared.events import triage
from shared.events.envelope import Envelope
from shared.events.vocabulary import AlertPurpose, Outcome, ReportType, Team
from shared.ids import AlertId, CaseId, ReportId, StaffId
from shared.messaging import dead_letters

_WAIT_FOR_REPORT = timedelta(hours=1)
_BATCH = 2000
_FOLLOW_UP = TypeAdapter(domain.FollowUp)


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Stores follow-ups that wait for a report, and does them as soon as the report is known."""

    context: AlertContext
    boxes: domain.Mailboxes

    async def expect(self, session: AsyncSession, items: Sequence[domain.FollowUp], now: datetime) -> None:
        """Store follow-ups, and do at once those that can be done."""
        if not items:
            return
        rows = [_row(item, now + _WAIT_FOR_REPORT) for item in items]
        await session.execute(insert(FollowUpRow).on_conflict_do_nothing(), rows)
        await self.follow(session, [item.report_id for item in items], now)

    async def follow(self, session: AsyncSession, report_ids: Collection[ReportId], now: datetime) -> None:
        """Do the follow-ups of those of these reports that are known."""
        reports = await known_reports(session, report_ids)
        if reports:
            await self._do(session, await _claim(session, FollowUpRow.report_id.in_(reports)), reports, now)

    async def follow_due(self, session: AsyncSession, now: datetime) -> int:
        """Do follow-ups whose report is known by now, or has not come in time; return how many were done."""
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
        items: Sequence[domain.FollowUp],
        reports: Mapping[ReportId, KnownReport],
        now: datetime,
    ) -> None:
        contacts = await contacts_of(session, reports.values())
        decisions = [
            decision(item.case_id, item.report_id, item.reference, item.event_id, item.at, told, self.context)
            for item in items
            for told in domain.alerts_once_known(item, reports.get(item.report_id), contacts.get(item.report_id))
        ]
        await record_decisions(session, decisions, now, context=self.context)
        asked = [item for item in items if _is_for_misuse(item, reports)]
        facts = {
            item.report_id: report.misuse for item in asked if (report := reports.get(item.report_id)) and report.misuse
        }
        await misuse.assign(session, asked, facts, now, context=self.context, desk=self.boxes.desk)


async def contacts_of(session: AsyncSession, reports: Iterable[KnownReport]) -> dict[ReportId, str]:
    """Return the reporters' addresses; those of named colleagues come from the directory."""
    known = list(reports)
    without = {report.staff_id for report in known if report.staff_id and not report.contact}
    addresses = await directory_queries.addresses_of(session, without)
    found = {r.report_id: r.contact or addresses.get(r.staff_id or StaffId("")) for r in known}
    return {report_id: contact for report_id, contact in found.items() if contact}


def decision(
    case_id: CaseId | None,
    report_id: ReportId,
    reference: str,
    event_id: str,
    at: datetime,
    told: domain.CaseAlert,
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


async def _claim(session: AsyncSession, which: ColumnElement[bool]) -> list[domain.FollowUp]:
    """Claim waiting follow-ups: the process that deletes one does it."""
    free = select(FollowUpRow.event_id).where(which).order_by(FollowUpRow.event_id).with_for_update(skip_locked=True)
    rows = await session.execute(
        delete(FollowUpRow)
        .where(FollowUpRow.event_id.in_(free.scalar_subquery()))
        .returning(*(column for column in FollowUpRow.__table__.columns if column.name != "waits_until"))
    )
    claimed = [_FOLLOW_UP.validate_python(dict(row)) for row in rows.mappings()]
    return sorted(claimed, key=lambda item: (item.at, item.event_id))


def _is_for_misuse(item: domain.FollowUp, reports: Mapping[ReportId, KnownReport]) -> bool:
    """Return whether a manager works on it.

    Misuse with abuse goes to SMART by any form. A case that a person gives to a manager always goes to one.
    """
    report = reports.get(item.report_id)
    says_abuse = report is not None and report.says_abuse
    return item.for_a_manager or (item.is_misuse and not item.by_a_person and not says_abuse)


def _row(item: domain.FollowUp, waits_until: datetime) -> dict[str, object]:
    return {**_FOLLOW_UP.dump_python(item), "waits_until": waits_until}


_CaseEvent = (
    triage.CaseRouted
    | triage.CaseTransferred
    | triage.CaseAssigned
    | triage.CaseTaskGiven
    | triage.CasePriorityChanged
    | triage.CaseInformationAsked
    | triage.CaseReporterReplied
    | triage.CaseReviewRequested
    | triage.CaseReviewed
    | triage.CaseReopened
    | triage.CaseDeadlineAtRisk
    | triage.CaseDeadlineMissed
)
_ForTheReporter = triage.CaseInformationAsked | triage.ReporterUpdateShared
_LooksAgain = triage.CaseReviewed | triage.CaseReopened
_FORGOTTEN_AFTER_CLOSING = timedelta(days=30)


async def case_routed(
    session: AsyncSession, envelopes: Sequence[Envelope[triage.CaseRouted]], now: datetime, *, follow_ups: FollowUps
) -> None:
    """Alert the teams at once, and the others as soon as the report is known."""
    await reports.remember_cases(session, [envelope.data for envelope in envelopes])
    told = [(e, telling) for e in envelopes for telling in domain.alerts_at_once(e.data, follow_ups.boxes)]
    await _tell(session, told, now, follow_ups)
    await follow_ups.expect(session, [_routed(e) for e in envelopes if domain.waits_for_report(e.data)], now)


async def case_transferred(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.CaseTransferred]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """Find a manager for a case that a person gave to managers; end the assignment of a case that left its manager.

    If it is urgent and its new team is not at work, alert the person on call.
    """
    await reports.set_teams(session, [e.data for e in envelopes])
    given = [e for e in envelopes if e.data.to_team is Team.LINE_MANAGER]
    left = [CaseId(e.data.case_id) for e in envelopes if e.data.to_team is not Team.LINE_MANAGER]
    await misuse.end(session, left, now)
    told = [(e, telling) for e in envelopes for telling in domain.transfer_alerts(e.data, e.id, follow_ups.boxes)]
    await _tell(session, told, now, follow_ups)
    await follow_ups.expect(session, [_given(e) for e in given], now)


async def case_given(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.CaseAssigned | triage.CaseTaskGiven]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """Tell whom a colleague gave a case, or a task of one; not those who took it themselves."""
    given = [e for e in envelopes if isinstance(e.data, triage.CaseTaskGiven) or not e.data.taken]
    addresses = await directory_queries.addresses_of(session, {StaffId(e.data.assignee) for e in given})
    told = [(e, domain.given_alert(e.data, e.id, addresses, follow_ups.boxes)) for e in given]
    await _tell(session, told, now, follow_ups)


async def priority_changed(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.CasePriorityChanged]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """If a case becomes urgent while its team is not at work, alert the person on call."""
    told = [(e, telling) for e in envelopes for telling in domain.priority_alerts(e.data, e.id, follow_ups.boxes)]
    await _tell(session, told, now, follow_ups)


async def information_asked(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.CaseInformationAsked]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """Alert the reporter to a question on their report's page, because the team waits for the answer."""
    await _tell_reporters(session, envelopes, AlertPurpose.QUESTION_ASKED, Urgency.NORMAL, now, follow_ups)


async def update_shared(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.ReporterUpdateShared]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """Alert the reporter to a message on their report's page, never to its text. A question has its own event."""
    messages = [e for e in envelopes if not e.data.asks]
    await _tell_reporters(session, messages, AlertPurpose.MESSAGE_SENT, Urgency.LOW, now, follow_ups)


async def reporter_replied(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.CaseReporterReplied]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """Alert the person who has the case that its reporter wrote or sent something, never to what it is."""
    responders = {StaffId(e.data.assignee) for e in envelopes if e.data.assignee}
    addresses = await directory_queries.addresses_of(session, responders)
    told = [(e, domain.reply_alert(e.data, e.id, addresses, follow_ups.boxes)) for e in envelopes]
    await _tell(session, told, now, follow_ups)


async def case_resolved(
    session: AsyncSession, envelopes: Sequence[Envelope[triage.CaseResolved]], now: datetime, *, follow_ups: FollowUps
) -> None:
    """Alert the reporter once none of their report's cases is open; forget who exempt conduct was about (C-j)."""
    case_ids = [CaseId(e.data.case_id) for e in envelopes]
    await reports.set_resolved(session, case_ids, now)
    await misuse.end(session, case_ids, now)
    exempt = [ReportId(e.data.report_id) for e in envelopes if e.data.outcome is Outcome.EXEMPT]
    if exempt:
        await reports.erase_subjects(session, exempt)
        await dead_letters.erase(session, exempt)
    report_ids = {ReportId(e.data.report_id) for e in envelopes if e.data.outcome is not Outcome.WITHDRAWN}
    open_still = await with_an_open_case(session, report_ids)
    known = await known_reports(session, report_ids - open_still)
    contacts = await contacts_of(session, known.values())
    finished = {ReportId(e.data.report_id): e for e in envelopes if ReportId(e.data.report_id) in known}
    decisions = [
        decision(
            CaseId(e.data.case_id),
            report_id,
            known[report_id].reference,
            e.id,
            e.data.at,
            domain.reporter_alert(
                AlertPurpose.REPORT_FINISHED,
                contacts.get(report_id),
                _role(e.data, known[report_id]),
                e.id,
                Urgency.LOW,
            ),
            follow_ups.context,
        )
        for report_id, e in finished.items()
    ]
    await record_decisions(session, decisions, now, context=follow_ups.context)


async def case_reopened(
    session: AsyncSession, envelopes: Sequence[Envelope[triage.CaseReopened]], now: datetime, *, follow_ups: FollowUps
) -> None:
    """Record that a case is open again; give a managers' case to a manager, who is alerted.

    An outcome that waited to be looked at again waits no longer: work on it continues.
    """
    await reports.set_resolved(session, [CaseId(e.data.case_id) for e in envelopes], None)
    waiting = await waiting_reviews(session, {ReportId(e.data.report_id) for e in envelopes})
    overtaken = [e for e in envelopes if CaseId(e.data.case_id) in waiting.get(ReportId(e.data.report_id), ())]
    await _looked_again(session, overtaken, now, follow_ups)
    given = [e for e in envelopes if e.data.team is Team.LINE_MANAGER]
    await follow_ups.expect(session, [_given(e) for e in given], now)


async def review_requested(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.CaseReviewRequested]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """Alert the team's lead that an outcome is to be looked at again; remember whom to tell the result."""
    for e in envelopes:
        await reports.set_review(session, [CaseId(e.data.case_id)], e.data.at)
    known = {ReportId(e.data.report_id) for e in envelopes}
    await reports.remember_until(session, known, now + _FORGOTTEN_AFTER_CLOSING)
    told = [(e, domain.review_alert(e.data, e.id, follow_ups.boxes)) for e in envelopes]
    await _tell(session, told, now, follow_ups)


async def case_reviewed(
    session: AsyncSession, envelopes: Sequence[Envelope[triage.CaseReviewed]], now: datetime, *, follow_ups: FollowUps
) -> None:
    """Alert the reporter once no outcome of their report waits to be looked at again, never to what came of it."""
    await _looked_again(session, envelopes, now, follow_ups)


async def _looked_again(
    session: AsyncSession, envelopes: Sequence[Envelope[_LooksAgain]], now: datetime, follow_ups: FollowUps
) -> None:
    if not envelopes:
        return
    await reports.set_review(session, [CaseId(e.data.case_id) for e in envelopes], None)
    report_ids = {ReportId(e.data.report_id) for e in envelopes}
    known = await known_reports(session, report_ids - (await waiting_reviews(session, report_ids)).keys())
    contacts = await contacts_of(session, known.values())
    purpose = AlertPurpose.OUTCOME_REVIEWED
    last = {ReportId(e.data.report_id): e for e in envelopes if ReportId(e.data.report_id) in known}
    told = [
        (e, domain.reporter_alert(purpose, contacts.get(one), _role(e.data, known[one]), e.id, Urgency.LOW))
        for one, e in last.items()
    ]
    await _tell(session, told, now, follow_ups)


async def case_closed(
    session: AsyncSession, envelopes: Sequence[Envelope[triage.CaseClosed]], now: datetime, *, follow_ups: FollowUps
) -> None:
    """End the assignment, and forget the report once none of its cases is open: its reporter gets no more alerts."""
    _ = follow_ups
    report_ids = {ReportId(e.data.report_id) for e in envelopes}
    await misuse.end(session, [CaseId(e.data.case_id) for e in envelopes], now)
    await reports.set_resolved(session, [CaseId(e.data.case_id) for e in envelopes], now)
    done = report_ids - await with_an_open_case(session, report_ids)
    await reports.forget_after(session, done, now + _FORGOTTEN_AFTER_CLOSING)


async def deadline_passes(
    session: AsyncSession,
    envelopes: Sequence[Envelope[triage.CaseDeadlineAtRisk | triage.CaseDeadlineMissed]],
    now: datetime,
    *,
    follow_ups: FollowUps,
) -> None:
    """Alert the lead of the team whose deadline is at risk or missed."""
    told = [(e, domain.deadline_alert(e.data, e.id, follow_ups.boxes)) for e in envelopes]
    await _tell(session, told, now, follow_ups)


async def _tell_reporters(
    session: AsyncSession,
    envelopes: Sequence[Envelope[_ForTheReporter]],
    purpose: AlertPurpose,
    urgency: Urgency,
    now: datetime,
    follow_ups: FollowUps,
) -> None:
    """Alert the reporters of known reports at their safe address, once for each event."""
    known = await known_reports(session, {ReportId(e.data.report_id) for e in envelopes})
    contacts = await contacts_of(session, known.values())
    told = [
        (e, domain.reporter_alert(purpose, contacts.get(report_id), RecipientRole.REPORTER, e.id, urgency))
        for e in envelopes
        if (report_id := ReportId(e.data.report_id)) in known
    ]
    await _tell(session, told, now, follow_ups)


async def _tell(
    session: AsyncSession,
    told: Sequence[tuple[Envelope[_CaseEvent | triage.ReporterUpdateShared], domain.CaseAlert]],
    now: datetime,
    follow_ups: FollowUps,
) -> None:
    decisions = [
        decision(
            None if isinstance(e.data, triage.ReporterUpdateShared) else CaseId(e.data.case_id),
            ReportId(e.data.report_id),
            e.data.reference,
            e.id,
            e.data.at,
            one,
            follow_ups.context,
        )
        for e, one in told
    ]
    await record_decisions(session, decisions, now, context=follow_ups.context)


def _role(event: triage.CaseResolved | _LooksAgain, report: KnownReport) -> RecipientRole:
    """Return the reporter's role; who reported misuse learns only that the work is finished, or was looked at again."""
    of_case = None if isinstance(event, triage.CaseReopened) else event.report_type
    misuse_case = of_case is ReportType.MISUSE or (report.misuse is not None and not report.says_abuse)
    return RecipientRole.MISUSE_REPORTER if misuse_case or report.form is ReportType.MISUSE else RecipientRole.REPORTER


def _routed(envelope: Envelope[triage.CaseRouted]) -> domain.FollowUp:
    event = envelope.data
    return domain.FollowUp(
        event_id=envelope.id,
        case_id=CaseId(event.case_id),
        report_id=ReportId(event.report_id),
        reference=event.reference,
        at=event.at,
        report_type=event.report_type,
        form=domain.form_of(event),
        misdirected=event.misdirected,
        union_activity=event.category == domain.UNION_ACTIVITY,
        for_a_manager=event.team is Team.LINE_MANAGER,
        by_a_person=False,
    )


def _given(envelope: Envelope[triage.CaseTransferred | triage.CaseReopened]) -> domain.FollowUp:
    """Return the follow-up for a case that a person, who knows what it is about, gives to a manager."""
    event = envelope.data
    return domain.FollowUp(
        event_id=envelope.id,
        case_id=CaseId(event.case_id),
        report_id=ReportId(event.report_id),
        reference=event.reference,
        at=event.at,
        report_type=ReportType.MISUSE,
        form=ReportType.MISUSE,
        misdirected=False,
        union_activity=False,
        for_a_manager=True,
        by_a_person=True,
    )
