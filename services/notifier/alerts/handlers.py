"""Alerts made from reports, and what delivery and recipients say of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts import storing
from services.notifier.alerts.domain import AddressBook, Choice, choose_recipient, urgency_of
from services.notifier.alerts.states import AlertState
from services.notifier.alerts.storing import NewAlert
from services.notifier.alerts.tables import AlertRow, DecisionRow
from services.notifier.delivery import handlers as delivery
from services.notifier.delivery.domain import DeliveryKind, OutcomeKind, Settled
from services.notifier.directory import queries as directory_queries
from services.notifier.directory.domain import Directory
from shared.events.envelope import Envelope, NewEvent
from shared.events.intake import AbuseReportSubmitted
from shared.events.notifier import AlertAcknowledged, AlertDecided, AlertFailed, AlertSent
from shared.events.people import name_words
from shared.events.vocabulary import Acknowledgement, AlertPurpose
from shared.ids import AlertId, Ids, ReportId
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Followed:
    """An alert as those need to know it who wait for its answer."""

    alert_id: AlertId
    answered: bool
    escalation: bool
    """It is itself told because somebody else did not act."""
    last: bool
    """Nobody comes after its recipient."""


@dataclass(frozen=True, slots=True)
class _Decided:
    alert_id: AlertId
    event_id: str
    report: AbuseReportSubmitted
    choice: Choice


async def alert_about_abuse(
    session: AsyncSession,
    envelopes: Sequence[Envelope[AbuseReportSubmitted]],
    now: datetime,
    *,
    book: AddressBook,
    ids: Ids,
    outbox: Outbox,
) -> None:
    """Choose who is told about each report, store choices and alerts, and hand the alerts to delivery (S3)."""
    directory = await _directory_for(session, [envelope.data for envelope in envelopes])
    decided = [
        _Decided(AlertId(ids.uuid()), e.id, e.data, choose_recipient(e.data, directory, book)) for e in envelopes
    ]
    new = await _store_decisions(session, decided, now)
    await storing.store(session, [alert for item in new if (alert := _alert_of(item))], now, book=book, ids=ids)
    await outbox.append(session, [_decided_event(item, now) for item in new], now)


async def record_settled(
    session: AsyncSession, settled: Sequence[Settled], now: datetime, *, outbox: Outbox
) -> Mapping[AlertId, Followed]:
    """Take what delivery says of ended attempts. A reminder says nothing of its alert, which was sent long before."""
    rows = await storing.locked(session, {item.alert_id for item in settled})
    told = [item for item in settled if item.kind is DeliveryKind.ALERT]
    for item in told:
        _follow(rows[item.alert_id], item)
    for item in settled:
        await storing.note(session, [item.alert_id], _history_of(item), now)
    await outbox.append(session, [NewEvent.of(s.alert_id, _settled_event(s, now), key=s.report_id) for s in told], now)
    answered = [alert_id for alert_id, row in rows.items() if row.answer is not None]
    await delivery.drop_reminders(session, answered)
    return {alert_id: _followed(row) for alert_id, row in rows.items()}


async def lock_waiting(session: AsyncSession, alert_ids: Collection[AlertId]) -> Mapping[AlertId, bool]:
    """Lock those of these alerts that nobody else works on, and tell of each whether it has an answer."""
    rows = await storing.locked(session, alert_ids, skip_locked=True)
    return {alert_id: row.answer is not None for alert_id, row in rows.items()}


async def record_answer(
    session: AsyncSession, alert_id: AlertId, answer: Acknowledgement, now: datetime, *, outbox: Outbox
) -> bool:
    """Record the recipient's answer; False where there was one already: the first answer stands.

    The alert stays locked: whoever waits for its answer is to be told in the same transaction.
    """
    row = (await storing.locked(session, {alert_id}))[alert_id]
    if row.answer is not None:
        return False
    row.answer, row.answered_at = answer.value, now
    row.state = AlertState(row.state).after(AlertState.ACKNOWLEDGED).value
    await storing.note(session, [alert_id], f"answered_{answer.value}", now)
    await delivery.drop_reminders(session, [alert_id])
    event = AlertAcknowledged(alert_id=alert_id, report_id=row.report_id, at=now, answer=answer)
    await outbox.append(session, [NewEvent.of(alert_id, event, key=row.report_id)], now)
    return True


async def _directory_for(session: AsyncSession, reports: Sequence[AbuseReportSubmitted]) -> Directory:
    """Load everybody whom these reports name, and everybody above them, in two statements."""
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


async def _store_decisions(session: AsyncSession, decided: Sequence[_Decided], now: datetime) -> list[_Decided]:
    """Store each choice unless its report has one; return those that were stored."""
    statement = insert(DecisionRow).values(
        [
            {
                "alert_id": item.alert_id,
                "report_id": item.report.report_id,
                "purpose": AlertPurpose.ABUSE_REPORTED.value,
                "reason": item.choice.reason.value,
                "anybody": item.choice.recipient is not None,
                "decided_at": now,
            }
            for item in decided
        ]
    )
    stored = set(await session.scalars(statement.on_conflict_do_nothing().returning(DecisionRow.alert_id)))
    return [item for item in decided if item.alert_id in stored]


def _alert_of(item: _Decided) -> NewAlert | None:
    if item.choice.recipient is None:
        return None
    return NewAlert(
        alert_id=item.alert_id,
        report_id=ReportId(item.report.report_id),
        reference=item.report.reference,
        event_id=item.event_id,
        recipient=item.choice.recipient,
        then=item.choice.then,
        reason=item.choice.reason,
        urgency=urgency_of(item.report.behaviours),
        asked_at=item.report.submitted_at,
        about=item.choice.about,
    )


def _decided_event(item: _Decided, now: datetime) -> NewEvent:
    fact = AlertDecided(
        alert_id=item.alert_id,
        report_id=item.report.report_id,
        at=now,
        purpose=AlertPurpose.ABUSE_REPORTED,
        reason=item.choice.reason,
        anybody=item.choice.recipient is not None,
    )
    return NewEvent.of(item.alert_id, fact, key=item.report.report_id)


def _settled_event(item: Settled, now: datetime) -> AlertSent | AlertFailed:
    if item.failure is None:
        return AlertSent(
            alert_id=item.alert_id,
            report_id=item.report_id,
            at=now,
            channel=item.channel,
            attempt=item.attempt,
            possible_repeat=item.possible_repeat,
        )
    return AlertFailed(
        alert_id=item.alert_id,
        report_id=item.report_id,
        at=now,
        channel=item.channel,
        attempt=item.attempt,
        kind=item.failure,
    )


def _follow(row: AlertRow, item: Settled) -> None:
    state = AlertState(row.state).after(_state_told_by(item))
    row.state = state.value
    if state.reached:
        row.failure = None
    elif item.failure:
        row.failure = item.failure.value


def _state_told_by(item: Settled) -> AlertState:
    if item.outcome is OutcomeKind.ACCEPTED:
        return AlertState.SENT
    return AlertState.FAILED if item.ended else AlertState.SENDING


def _history_of(item: Settled) -> str:
    said = "sent" if item.failure is None else f"failed_{item.failure.value}"
    return f"{item.kind.value}_{said}" + ("_possible_repeat" if item.possible_repeat else "")


def _followed(row: AlertRow) -> Followed:
    return Followed(
        AlertId(row.alert_id), row.answer is not None, row.escalated_from is not None, not storing.chain_of(row)
    )
