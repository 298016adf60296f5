"""Keeps what other services say about a report, in any order: the newest of a case, and the weightiest of an alert."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression, case, func, or_, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.tracking.domain import ManagerAlertState, Stage
from services.intake.tracking.tables import SharedUpdateRow, TrackedAlertRow, TrackedCaseRow
from shared.events import notifier, triage
from shared.events.envelope import Envelope
from shared.events.vocabulary import Acknowledgement, CaseState, FailureKind

V = TypeVar("V")
CaseEvent = (
    triage.CaseOpened
    | triage.CaseTransferred
    | triage.CaseClaimed
    | triage.CaseAssigned
    | triage.CaseReopened
    | triage.CaseResolved
    | triage.CaseClosed
    | triage.CaseMerged
    | triage.CaseUnmerged
)
Alert = (
    notifier.AlertDecided
    | notifier.AlertSent
    | notifier.AlertDelivered
    | notifier.AlertFailed
    | notifier.AlertAcknowledged
)


async def case_opened(session: AsyncSession, events: Sequence[Envelope[triage.CaseOpened]], _now: datetime) -> None:
    """A team has the report."""
    await _keep_cases(session, [_case_row(e, Stage.WITH_TEAM, e.data.team, arrives=True) for e in events])


async def case_transferred(
    session: AsyncSession, events: Sequence[Envelope[triage.CaseTransferred]], _now: datetime
) -> None:
    """Another team has it."""
    await _keep_cases(session, [_case_row(e, Stage.WITH_TEAM, e.data.to_team, arrives=True) for e in events])


async def case_worked(
    session: AsyncSession,
    events: Sequence[Envelope[triage.CaseClaimed | triage.CaseAssigned | triage.CaseReopened | triage.CaseMerged]],
    _now: datetime,
) -> None:
    """A responder is working on it; also where they do so together with another report, of which no one learns."""
    await _keep_cases(session, [_case_row(e, Stage.WORKING, e.data.team) for e in events])


async def case_unmerged(session: AsyncSession, events: Sequence[Envelope[triage.CaseUnmerged]], _now: datetime) -> None:
    """It is worked by itself again."""
    await _keep_cases(session, [_case_row(e, _STAGES.get(e.data.state, Stage.WORKING), e.data.team) for e in events])


_STAGES: Mapping[str, Stage] = {
    CaseState.NEW: Stage.WITH_TEAM,
    CaseState.RESOLVED: Stage.FINISHED,
    CaseState.CLOSED: Stage.FINISHED,
}


async def case_finished(
    session: AsyncSession, events: Sequence[Envelope[triage.CaseResolved | triage.CaseClosed]], _now: datetime
) -> None:
    """The work is done."""
    await _keep_cases(session, [_case_row(event, Stage.FINISHED, event.data.team) for event in events])


async def review_asked(
    session: AsyncSession, events: Sequence[Envelope[triage.CaseReviewRequested]], _now: datetime
) -> None:
    """The team has the reporter's wish that its outcome is looked at again."""
    await _keep_reviews(session, [_review_row(event, asked_at=event.data.at) for event in events])


async def case_reviewed(session: AsyncSession, events: Sequence[Envelope[triage.CaseReviewed]], _now: datetime) -> None:
    """Someone else has looked at the outcome again."""
    rows = [_review_row(event, reviewed_at=event.data.at, result=event.data.result) for event in events]
    await _keep_reviews(session, rows)


async def alert_changed(session: AsyncSession, events: Sequence[Envelope[Alert]], _now: datetime) -> None:
    """Keep the news of an alert. An answer stays known, whatever is said of the alert afterwards."""
    await _keep_alerts(session, [_alert_row(event) for event in events])


async def alert_escalated(
    session: AsyncSession, events: Sequence[Envelope[notifier.AlertEscalated]], _now: datetime
) -> None:
    """The next recipient is told, and why. It changes nothing of the alert that it follows."""
    await _keep_alerts(session, [_next_alert_row(event.data) for event in events])


async def update_shared(
    session: AsyncSession, events: Sequence[Envelope[triage.ReporterUpdateShared]], _now: datetime
) -> None:
    """A team wrote something for the reporter to read; the same event again adds nothing."""
    statement = insert(SharedUpdateRow).on_conflict_do_nothing(index_elements=[SharedUpdateRow.event_id])
    await session.execute(statement, [_update_row(event) for event in events])


_ALERT_CHANGES = ("weight", "sequence", "state", "changed_at")
_CASE_CHANGES = ("sequence", "stage", "team", "changed_at")


async def _keep_alerts(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    statement = insert(TrackedAlertRow)
    old, new = TrackedAlertRow, statement.excluded
    wins = tuple_(new.weight, new.sequence) > tuple_(old.weight, old.sequence)
    changes: dict[str, ColumnElement[object]] = {
        name: _newer(wins, new[name], getattr(old, name)) for name in _ALERT_CHANGES
    }
    changes["reason"] = func.coalesce(old.reason, new.reason)
    changes["purpose"] = func.coalesce(old.purpose, new.purpose)
    await session.execute(statement.on_conflict_do_update(index_elements=[old.alert_id], set_=changes), rows)


async def _keep_cases(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    statement = insert(TrackedCaseRow)
    old, new = TrackedCaseRow, statement.excluded
    changes: dict[str, ColumnElement[object] | ColumnElement[bool]] = {
        name: _newer(new.sequence > old.sequence, new[name], getattr(old, name)) for name in _CASE_CHANGES
    }
    changes["arrived"] = func.greatest(old.arrived, new.arrived)
    changes["team_since"] = _newer(new.arrived > old.arrived, new.team_since, old.team_since)
    changes["linked"] = or_(old.linked, new.linked)
    newest_known = func.coalesce(new.outcome, old.outcome)
    changes["resolved_at"] = func.greatest(old.resolved_at, new.resolved_at)
    changes["outcome"] = _newer(new.sequence > old.sequence, newest_known, func.coalesce(old.outcome, new.outcome))
    await session.execute(statement.on_conflict_do_update(index_elements=[old.case_id], set_=changes), rows)


async def _keep_reviews(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    """Keep the newest request of each case and the newest result, in whatever order they come."""
    statement = insert(TrackedCaseRow)
    old, new = TrackedCaseRow, statement.excluded
    newer = or_(old.reviewed_at.is_(None), new.reviewed_at > old.reviewed_at)
    changes = {
        "review_asked_at": func.greatest(old.review_asked_at, new.review_asked_at),
        "review_result": _newer(newer & new.reviewed_at.is_not(None), new.review_result, old.review_result),
        "reviewed_at": func.greatest(old.reviewed_at, new.reviewed_at),
    }
    await session.execute(statement.on_conflict_do_update(index_elements=[old.case_id], set_=changes), rows)


def _newer(condition: ColumnElement[bool], new: ColumnElement[V], old: SQLColumnExpression[V]) -> ColumnElement[V]:
    return case((condition, new), else_=old)


def _case_row(event: Envelope[CaseEvent], stage: Stage, team: str, *, arrives: bool = False) -> dict[str, object]:
    """Return what an event says of its case; `arrives`: the team has the case from this moment."""
    data, sequence = event.data, event.sequence or 0
    return {
        "case_id": data.case_id,
        "report_id": data.report_id,
        "sequence": sequence,
        "stage": stage.value,
        "team": team,
        "arrived": sequence if arrives else -1,
        "team_since": data.at,
        "changed_at": data.at,
        "linked": isinstance(data, triage.CaseOpened) and data.linked,
        "outcome": data.outcome if isinstance(data, triage.CaseResolved) else None,
        "resolved_at": data.at if isinstance(data, triage.CaseResolved) else None,
    }


def _review_row(
    event: Envelope[triage.CaseReviewRequested] | Envelope[triage.CaseReviewed],
    *,
    asked_at: datetime | None = None,
    reviewed_at: datetime | None = None,
    result: str | None = None,
) -> dict[str, object]:
    """Return what an event says of a review; any other event of the case says more about the case itself."""
    data = event.data
    return {
        "case_id": data.case_id,
        "report_id": data.report_id,
        "sequence": -1,
        "stage": Stage.FINISHED.value,
        "team": data.team,
        "arrived": -1,
        "team_since": data.at,
        "changed_at": data.at,
        "linked": False,
        "review_asked_at": asked_at,
        "reviewed_at": reviewed_at,
        "review_result": result,
    }


def _alert_row(event: Envelope[Alert]) -> dict[str, object]:
    weight, state = _state(event.data)
    return {
        "alert_id": event.data.alert_id,
        "report_id": event.data.report_id,
        "weight": weight,
        "sequence": event.sequence or 0,
        "state": state,
        "reason": event.data.reason if isinstance(event.data, notifier.AlertDecided) else None,
        "purpose": event.data.purpose,
        "changed_at": event.data.at,
    }


def _next_alert_row(data: notifier.AlertEscalated) -> dict[str, object]:
    return {
        "alert_id": data.to_alert_id,
        "report_id": data.report_id,
        "weight": _Weight.CHOSEN,
        "sequence": 0,
        "state": ManagerAlertState.BEING_TOLD,
        "reason": data.reason,
        "purpose": data.purpose,
        "changed_at": data.at,
    }


def _update_row(event: Envelope[triage.ReporterUpdateShared]) -> dict[str, object]:
    return {
        "event_id": event.id,
        "report_id": event.data.report_id,
        "at": event.data.at,
        "text": event.data.text,
        "asks": event.data.asks,
    }


class _Weight(IntEnum):
    """What is heavier stays known of an alert; of what weighs the same, the newest.

    A failure weighs as much as the news that it was sent: a provider may accept an email and say later that it did not
    arrive. Results of reminders are not published.
    """

    CHOSEN = 1
    TRIED = 2
    DECLINED = 3
    CONFIRMED = 4


def _state(alert: Alert) -> tuple[_Weight, ManagerAlertState]:
    match alert:
        case notifier.AlertDecided(anybody=is_alerted):
            return _Weight.CHOSEN, ManagerAlertState.BEING_TOLD if is_alerted else ManagerAlertState.NOT_TOLD
        case notifier.AlertAcknowledged(answer=Acknowledgement.CONFIRMED):
            return _Weight.CONFIRMED, ManagerAlertState.ACKNOWLEDGED
        case notifier.AlertAcknowledged():
            return _Weight.DECLINED, ManagerAlertState.NOT_REACHED
        case notifier.AlertSent() | notifier.AlertDelivered():
            return _Weight.TRIED, ManagerAlertState.TOLD
        case notifier.AlertFailed(kind=FailureKind.PERMANENT | FailureKind.TECHNICAL):
            return _Weight.TRIED, ManagerAlertState.NOT_REACHED
        case notifier.AlertFailed():
            return _Weight.TRIED, ManagerAlertState.BEING_TOLD
