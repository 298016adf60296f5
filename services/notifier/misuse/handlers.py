"""Misuse cases: assigned to managers, recorded, escalated and taken back; and alerts to the reporters' managers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts import queries as alert_queries
from services.notifier.alerts.decisions import AlertContext, AlertDecision, reasons, record_decisions
from services.notifier.alerts.domain import Choice, Recipient, day_of
from services.notifier.alerts.handlers import Escalation
from services.notifier.delivery.domain import RecipientRole, Urgency
from services.notifier.directory import queries as directory_queries
from services.notifier.directory.domain import Directory
from services.notifier.misuse import domain
from services.notifier.misuse.tables import AssignmentRow, FindingRow
from services.notifier.reports.domain import MisuseEvent, MisuseFacts, ReportEvent, misuse_facts
from shared.addresses import address_in
from shared.events.envelope import Envelope, NewEvent
from shared.events.notifier import ManagerActionRecorded, ManagerAssigned, SirtReferralRequested
from shared.events.people import name_words
from shared.events.vocabulary import AlertPurpose, ManagerAction, MisuseBehaviour, RecipientReason
from shared.ids import AlertId, CaseId, Ids, ReportId, StaffId
from shared.messaging.outbox import Outbox

_WAITS = RecipientReason.NOBODY_REPORTER_ASKED_TO_WAIT


class NotAssignedToThem(Exception):
    """The case is not with this manager; for them it does not exist."""


class AlreadyDone(Exception):
    """The manager has already done this, or the case is finished or with another team."""


@dataclass(frozen=True, slots=True)
class ActionTaken:
    """A manager's record of what they did: category and day, nothing else (R-d)."""

    action: ManagerAction
    acted_on: date


async def assign(
    session: AsyncSession,
    asked: Sequence[domain.RoutedCase],
    reports: Mapping[ReportId, MisuseFacts],
    now: datetime,
    *,
    context: AlertContext,
    desk: Recipient,
) -> None:
    """Choose who works on each case and who else is alerted; store this and publish the assignment.

    `reports` has the reports of these cases that are known and are about misuse.
    """
    if not asked:
        return
    directory = await directory_for(session, list(reports.values()))
    passed_over = await alert_queries.not_for_misuse(session, [item.report_id for item in asked])
    decisions: list[AlertDecision] = []
    for item in asked:
        choice_context = domain.ChoiceContext(directory, day_of(item.at), context.book, desk)
        facts, passed = reports.get(item.report_id), passed_over.get(item.report_id, frozenset())
        decisions += _decisions(item, facts, choice_context, passed, context)
    new = await record_decisions(session, decisions, now, context=context)
    await _store_assignments(
        session, [item for item in new if item.purpose is AlertPurpose.MISUSE_ASSIGNED], now, context
    )


async def tell_managers_after_agreement(
    session: AsyncSession,
    envelopes: Sequence[Envelope[ReportEvent]],
    now: datetime,
    *,
    context: AlertContext,
    desk: Recipient,
) -> None:
    """Decide again, once, for each misuse report whose reporter asked to wait and has now said who may know."""
    misuse = {ReportId(e.data.report_id): e for e in envelopes if isinstance(e.data, MisuseEvent)}
    before = await reasons(session, list(misuse), AlertPurpose.MISUSE_REPORTED) if misuse else {}
    waited = {report_id: misuse[report_id] for report_id, reason in before.items() if reason is _WAITS}
    if not waited:
        return
    facts = {report_id: misuse_facts(e.data) for report_id, e in waited.items() if isinstance(e.data, MisuseEvent)}
    directory = await directory_for(session, list(facts.values()))
    working = await alert_queries.recipients_of(session, list(waited), AlertPurpose.MISUSE_ASSIGNED)
    decisions = []
    for report_id, envelope in waited.items():
        choice_context = domain.ChoiceContext(directory, day_of(envelope.time), context.book, desk)
        choice = domain.choose_reporters_manager(facts[report_id], choice_context, None)
        if choice.recipient and choice.recipient.key in working.get(report_id, ()):
            choice = Choice(RecipientReason.NOBODY_MANAGER_WORKS_IT)
        if choice.reason is not _WAITS:
            decisions.append(_decision_after_agreement(envelope, choice, context))
    await record_decisions(session, decisions, now, context=context)


async def directory_for(session: AsyncSession, reports: Sequence[MisuseFacts]) -> Directory:
    """Load the people whom these reports may be about or name, and everyone above them, in two statements."""
    staff_ids = {facts.reporter.staff_id for facts in reports} | {facts.subject.staff_id for facts in reports}
    staff_ids |= {person.staff_id for facts in reports for person in facts.affected}
    said = [text for f in reports for text in (f.reporter.email, f.manager_email, *_texts(f))]
    emails = {address for text in said if (address := address_in(text))}
    names = {word for facts in reports for word in name_words(facts.subject.name or "")}
    return await directory_queries.around(
        session, [i for i in staff_ids if i], sorted(emails), [word for word in names if len(word) > 1]
    )


def _decisions(
    item: domain.RoutedCase,
    facts: MisuseFacts | None,
    choice_context: domain.ChoiceContext,
    passed_over: frozenset[str],
    context: AlertContext,
) -> list[AlertDecision]:
    working = _who_works_it(item, facts, choice_context, passed_over)
    works = working.recipient if working else None
    if item.by_a_person:
        return [_assigned(item, working, context)] if working else []
    told = _who_is_told(item, facts, choice_context, works)
    decisions = [_decision(item, AlertPurpose.MISUSE_REPORTED, told, "", context)]
    if working:
        decisions.append(_assigned(item, domain.without(working, told.recipient), context))
    return decisions


def _who_works_it(
    item: domain.RoutedCase,
    facts: MisuseFacts | None,
    choice_context: domain.ChoiceContext,
    passed_over: frozenset[str],
) -> Choice | None:
    if not item.for_a_manager:
        return None
    touches_a_union = item.union_activity or (facts is not None and domain.may_be_union_activity(facts))
    if touches_a_union and not item.by_a_person:
        return Choice(RecipientReason.NOBODY_UNION_ACTIVITY)
    return domain.choose_manager(facts, choice_context, passed_over=passed_over)


def _who_is_told(
    item: domain.RoutedCase, facts: MisuseFacts | None, choice_context: domain.ChoiceContext, works: Recipient | None
) -> Choice:
    if item.union_activity:
        return Choice(RecipientReason.NOBODY_UNION_ACTIVITY)
    if facts is None:
        return Choice(RecipientReason.NOBODY_CANNOT_BE_REACHED)
    return domain.choose_reporters_manager(facts, choice_context, works)


def _assigned(item: domain.RoutedCase, choice: Choice, context: AlertContext) -> AlertDecision:
    # A routing is followed once, however often it is published; each time a person gives the case back counts anew.
    occasion = f"{item.case_id} {item.event_id}" if item.by_a_person else str(item.case_id)
    return _decision(item, AlertPurpose.MISUSE_ASSIGNED, choice, occasion, context)


def _decision(
    item: domain.RoutedCase, purpose: AlertPurpose, choice: Choice, occasion: str, context: AlertContext
) -> AlertDecision:
    to_desk = purpose is AlertPurpose.MISUSE_ASSIGNED and choice.recipient and choice.recipient.staff_id is None
    return AlertDecision(
        alert_id=AlertId(context.ids.uuid()),
        report_id=item.report_id,
        reference=item.reference,
        event_id=item.event_id,
        purpose=purpose,
        choice=choice,
        urgency=Urgency.NORMAL,
        asked_at=item.at,
        occasion=occasion,
        case_id=item.case_id,
        role=RecipientRole.DESK if to_desk else None,
    )


async def _store_assignments(
    session: AsyncSession, decisions: Sequence[AlertDecision], now: datetime, context: AlertContext
) -> None:
    if not decisions:
        return
    rows = [_row(item, now) for item in decisions]
    statement = insert(AssignmentRow)
    kept = {name: statement.excluded[name] for name in rows[0] if name != "case_id"}
    await session.execute(statement.on_conflict_do_update(index_elements=[AssignmentRow.case_id], set_=kept), rows)
    facts = [
        NewEvent.of(row.case_id, _fact(row, row.case_id, row.report_id, now), key=row.report_id)
        for row in decisions
        if row.case_id and row.report_id
    ]
    await context.outbox.append(session, facts, now)


def _row(item: AlertDecision, now: datetime) -> dict[str, object]:
    return {
        "case_id": item.case_id,
        "report_id": item.report_id,
        "reference": item.reference,
        "alert_id": item.alert_id,
        "manager": item.choice.recipient.staff_id if item.choice.recipient else None,
        "assigned_at": now,
        "action": None,
        "acted_on": None,
        "recorded_at": None,
        "ended_at": None,
    }


def _fact(item: AlertDecision, case_id: CaseId, report_id: ReportId, now: datetime) -> ManagerAssigned:
    manager = item.choice.recipient.staff_id if item.choice.recipient else None
    return ManagerAssigned(case_id=case_id, report_id=report_id, at=now, manager=manager, reason=item.choice.reason)


def _texts(facts: MisuseFacts) -> tuple[str | None, ...]:
    return (facts.subject.staff_id, facts.subject.name, facts.subject.handle)


def _decision_after_agreement(envelope: Envelope[ReportEvent], choice: Choice, context: AlertContext) -> AlertDecision:
    return AlertDecision(
        alert_id=AlertId(context.ids.uuid()),
        report_id=ReportId(envelope.data.report_id),
        reference=envelope.data.reference,
        event_id=envelope.id,
        purpose=AlertPurpose.MISUSE_REPORTED,
        choice=choice,
        urgency=Urgency.NORMAL,
        asked_at=envelope.time,
        occasion="agreed",
    )


async def record_action(
    session: AsyncSession, case_id: CaseId, manager: StaffId, done: ActionTaken, now: datetime, *, outbox: Outbox
) -> UUID:
    """Record what the assigned manager did; return the alert that asked for it.

    Raises:
        NotAssignedToThem: it is another manager's case, or there is none.
        AlreadyDone: an action was recorded before, or the case is no longer theirs.
    """
    row = await _own(session, case_id, manager)
    if row.action is not None:
        raise AlreadyDone
    row.action, row.acted_on, row.recorded_at = done.action.value, done.acted_on, now
    fact = ManagerActionRecorded(
        case_id=case_id, report_id=row.report_id, at=now, manager=manager, action=done.action, acted_on=done.acted_on
    )
    await outbox.append(session, [NewEvent.of(case_id, fact, key=row.report_id)], now)
    return row.alert_id


async def refer_to_sirt(
    session: AsyncSession, case_id: CaseId, manager: StaffId, now: datetime, *, outbox: Outbox
) -> UUID:
    """Refer the case to SIRT (R-c); return the alert that asked for it.

    Raises:
        NotAssignedToThem: it is another manager's case, or there is none.
        AlreadyDone: it was referred before, or the case is no longer theirs.
    """
    row = await _own(session, case_id, manager)
    if row.referred_at is not None:
        raise AlreadyDone
    row.referred_at = now
    fact = SirtReferralRequested(case_id=case_id, report_id=row.report_id, at=now, manager=manager)
    await outbox.append(session, [NewEvent.of(case_id, fact, key=row.report_id)], now)
    return row.alert_id


async def record_finding(
    session: AsyncSession,
    manager: StaffId,
    person: StaffId,
    category: MisuseBehaviour,
    found_on: date,
    now: datetime,
    *,
    ids: Ids,
) -> None:
    """Record what a manager found about one of their people without a report. No one else is alerted."""
    session.add(
        FindingRow(
            finding_id=ids.uuid(),
            manager=manager,
            person=person,
            category=category.value,
            found_on=found_on,
            recorded_at=now,
        )
    )
    await session.flush()


async def pass_on(
    session: AsyncSession, case_id: CaseId, passed_on: Escalation, now: datetime, *, outbox: Outbox
) -> None:
    """Assign the case to the person its alert was escalated to; to no manager if that is the desk."""
    row = await session.get(AssignmentRow, case_id, with_for_update=True)
    if row is None or row.action is not None or row.ended_at is not None:
        return
    row.manager, row.alert_id, row.assigned_at = passed_on.recipient.staff_id, passed_on.alert_id, now
    fact = ManagerAssigned(
        case_id=case_id, report_id=row.report_id, at=now, manager=row.manager, reason=passed_on.reason
    )
    await outbox.append(session, [NewEvent.of(case_id, fact, key=row.report_id)], now)


async def end(session: AsyncSession, case_ids: Collection[CaseId], now: datetime) -> None:
    """End the assignments of these cases, which are finished or with another team."""
    if case_ids:
        await session.execute(
            update(AssignmentRow)
            .where(AssignmentRow.case_id.in_(case_ids), AssignmentRow.ended_at.is_(None))
            .values(ended_at=now)
        )


async def _own(session: AsyncSession, case_id: CaseId, manager: StaffId) -> AssignmentRow:
    row = await session.get(AssignmentRow, case_id, with_for_update=True)
    if row is None or row.manager != manager:
        raise NotAssignedToThem
    if row.ended_at is not None:
        raise AlreadyDone
    return row
