"""Keeps the figures: an event says which facts to read again, and only the differences are added or subtracted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists as counting
from services.triage.cases.lists import CountableCase
from services.triage.operations import domain, queries, tables
from services.triage.outcome_reviews import queries as outcome_reviews
from services.triage.outcome_reviews.domain import Review
from services.triage.tables import Base
from services.triage.takedowns import queries as takedowns
from services.triage.takedowns.domain import TakedownState
from shared.events import notifier, triage
from shared.events.envelope import Envelope
from shared.events.intake import LedgerChanged
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled, OverdueStepsCounted
from shared.events.vocabulary import AlertPurpose
from shared.observability.metrics import LEDGER_REPORTS

_ONE = "total"
# Two members of the group would otherwise change the same figures, each in the order of its own events.
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtext('signpost-triage-operations'))")
CaseEvent = (
    triage.CaseRouted
    | triage.CaseAnswered
    | triage.CaseTakedownChanged
    | triage.CaseTransferred
    | triage.CaseResolved
    | triage.CaseReopened
    | triage.CaseClosed
    | triage.CaseMerged
    | triage.CaseUnmerged
    | triage.CaseDeadlineMissed
    | triage.CaseReviewRequested
    | triage.CaseReviewed
)
_SAYS_OF_REVIEWS = (triage.CaseReviewRequested, triage.CaseReviewed, triage.CaseReopened)
AlertEvent = notifier.AlertDecided | notifier.AlertSent | notifier.AlertAcknowledged
LEDGER_STATES = ("unaccounted", "dead_lettered", "in_flight")
FIRST_ALERTS = frozenset(
    {
        None,
        AlertPurpose.ABUSE_REPORTED,
        AlertPurpose.MISUSE_REPORTED,
        AlertPurpose.MISUSE_ASSIGNED,
        AlertPurpose.INCIDENT_REPORTED,
        AlertPurpose.ENQUIRY_RECEIVED,
        AlertPurpose.ABUSE_FOUND,
    }
)
"""Reasons for the first alerts about a report; the funnel does not count later ones."""


async def project_ledger(session: AsyncSession, events: Sequence[Envelope[LedgerChanged]], _now: datetime) -> None:
    """Keep the newest figures of the ledger, and update the metrics."""
    newest = max((event.data for event in events), key=lambda data: data.at)
    await session.execute(_ONE_AT_A_TIME)
    columns = frozenset(tables.LedgerFigures.table().c.keys())
    values = {name: value for name, value in newest if name in columns}
    statement = insert(tables.LedgerFigures).values(key=_ONE, **values)
    newer = tables.LedgerFigures.at < statement.excluded.at
    await session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values, where=newer))
    await _note_change(session)
    for state in LEDGER_STATES:
        LEDGER_REPORTS.labels(state).set(values[state])


async def project_cases(session: AsyncSession, events: Sequence[Envelope[CaseEvent]], _now: datetime) -> None:
    """Read the changed cases again, and update the figures."""
    news: dict[UUID, domain.CaseNews] = defaultdict(domain.CaseNews)
    for event in events:
        news[event.data.case_id] |= _case_news(event.data)
    said = {event.data.case_id for event in events if isinstance(event.data, _SAYS_OF_REVIEWS)}
    for case_id, reviews in (await _reviews(session, said)).items():
        news[case_id] |= domain.CaseNews(reviews=reviews)
    await _count_cases(session, news)


async def project_alerts(session: AsyncSession, events: Sequence[Envelope[AlertEvent]], _now: datetime) -> None:
    """Update the figures with what happened to the first alerts about reports."""
    news: dict[UUID, domain.AlertNews] = defaultdict(domain.AlertNews)
    for event in events:
        if event.data.purpose in FIRST_ALERTS:
            news[event.data.report_id] |= _alert_news(event.data)
    if news:
        await _count_alerts(session, news)


async def project_dead_letters(
    session: AsyncSession, events: Sequence[Envelope[DeadLetterRecorded] | Envelope[DeadLetterSettled]], _now: datetime
) -> None:
    """Keep a list of dead letters and of those that are settled."""
    await session.execute(_ONE_AT_A_TIME)
    for event in events:
        letter, settled = event.data, isinstance(event.data, DeadLetterSettled)
        when = {"settled_at": letter.at} if settled else {"recorded_at": letter.at}
        known = {"group_name": letter.group, "topic": letter.topic, "error_class": letter.error_class}
        statement = insert(tables.KnownDeadLetter).values(dead_letter_id=letter.dead_letter_id, **known, **when)
        await session.execute(statement.on_conflict_do_update(index_elements=["dead_letter_id"], set_=when))
    await _note_change(session)


async def project_overdue_steps(
    session: AsyncSession, events: Sequence[Envelope[OverdueStepsCounted]], _now: datetime
) -> None:
    """Keep what the auditor of each service found last."""
    row = tables.OverdueSteps
    for data in sorted((event.data for event in events), key=lambda data: data.at):
        said = {"at": data.at, "steps": [step.model_dump(mode="json") for step in data.steps]}
        statement = insert(row).values(service=data.service, **said)
        newer = row.at < statement.excluded.at
        await session.execute(statement.on_conflict_do_update(index_elements=["service"], set_=said, where=newer))
    await _note_change(session)


def _case_news(event: CaseEvent) -> domain.CaseNews:
    match event:
        case triage.CaseRouted():
            return domain.CaseNews(misdirected=event.misdirected)
        case triage.CaseAnswered() | triage.CaseTransferred():
            return domain.CaseNews(first_action_at=event.at)
        case triage.CaseResolved():
            return domain.CaseNews(first_action_at=event.at, resolved_at=event.at)
        case triage.CaseDeadlineMissed():
            return domain.CaseNews(missed=frozenset({domain.Missed(event.due_at, event.kind, event.team)}))
        case _:
            return domain.CaseNews()


async def _reviews(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, tuple[domain.LookAgain, ...]]:
    """Return what came of each wish that an outcome of these cases is looked at again."""
    if not case_ids:
        return {}
    waiting = {case.case_id: case.review_asked_at for case in await counting.countable(session, case_ids)}
    found = await outcome_reviews.of_cases(session, case_ids)
    return {case_id: tuple(_look_again(one, waiting.get(case_id)) for one in found[case_id]) for case_id in found}


async def _asked(session: AsyncSession, case_ids: Collection[UUID]) -> Mapping[UUID, list[domain.Asked]]:
    """Return what platforms were asked to remove because of these cases, as it is now."""
    found = defaultdict[UUID, list[domain.Asked]](list)
    for one in await takedowns.progress(session, case_ids):
        removed_at = one.settled_at if one.state is TakedownState.REMOVED else None
        asked = domain.Asked(one.takedown_id, one.platform, one.reported_at, _came_of(one), removed_at)
        found[one.case_id].append(asked)
    return found


def _came_of(one: takedowns.Progress) -> domain.CameOf:
    answers = {TakedownState.REMOVED: domain.CameOf.REMOVED, TakedownState.REFUSED: domain.CameOf.REFUSED}
    return answers.get(one.state, domain.CameOf.OVERDUE if one.overdue else domain.CameOf.OPEN)


def _look_again(review: Review, waiting_since: datetime | None) -> domain.LookAgain:
    waits = domain.Looked.WAITING if review.asked_at == waiting_since else domain.Looked.REOPENED
    return domain.LookAgain(review.asked_at, review.due_at, domain.Looked(review.result) if review.result else waits)


def _alert_news(event: AlertEvent) -> domain.AlertNews:
    match event:
        case notifier.AlertDecided():
            return domain.AlertNews(decided=True, anybody=event.anybody)
        case notifier.AlertSent():
            return domain.AlertNews(decided=True, anybody=True, sent=True)
        case _:
            return domain.AlertNews(decided=True, anybody=True, sent=True, acknowledged=True)


async def _count_cases(session: AsyncSession, news: Mapping[UUID, domain.CaseNews]) -> None:
    await session.execute(_ONE_AT_A_TIME)
    found = await counting.countable(session, list(news))
    cases_before, asked = await queries.cases(session, list(news)), await _asked(session, list(news))
    reports_before = await queries.reports(session, {case.report_id for case in found})
    cases = [
        replace(_case(case, news[case.case_id], cases_before.get(case.case_id)), takedowns=tuple(asked[case.case_id]))
        for case in found
    ]
    reports = [
        _report(case, reports_before.get(case.report_id), misdirected=news[case.case_id].misdirected)
        for case in found
        if case.first
    ]
    new_cases = [case for case in cases if case != cases_before.get(case.case_id)]
    new_reports = [report for report in reports if report != reports_before.get(report.report_id)]
    await _store(session, tables.CountedCase, [_case_row(case) for case in new_cases], "case_id")
    await _store(session, tables.CountedTakedown, list(_takedown_rows(new_cases)), "takedown_id")
    await _store(session, tables.CountedReport, [_report_row(report) for report in new_reports], "report_id")
    before = [facts.cells() for facts in cases_before.values()]
    before += [reports_before[report.report_id].cells() for report in reports if report.report_id in reports_before]
    after = [facts.cells() for facts in cases] + [facts.cells() for facts in reports]
    await _add(session, domain.difference(before, after))


async def _count_alerts(session: AsyncSession, news: Mapping[UUID, domain.AlertNews]) -> None:
    await session.execute(_ONE_AT_A_TIME)
    before = await queries.reports(session, list(news))
    after = [one.applied_to(before.get(report_id) or domain.ReportFacts(report_id)) for report_id, one in news.items()]
    new = [report for report in after if report != before.get(report.report_id)]
    await _store(session, tables.CountedReport, [_report_row(report) for report in new], "report_id")
    await _add(
        session, domain.difference((facts.cells() for facts in before.values()), (facts.cells() for facts in after))
    )


def _case(now: CountableCase, news: domain.CaseNews, before: domain.CaseFacts | None) -> domain.CaseFacts:
    facts = domain.CaseFacts(
        now.case_id, now.report_id, now.team, now.submitted_at, now.opened_at, now.finished, now.merged
    )
    if before:
        facts = replace(
            facts,
            first_action_at=before.first_action_at,
            resolved_at=before.resolved_at,
            missed=before.missed,
            reviews=before.reviews,
        )
    return news.applied_to(facts)


def _report(case: CountableCase, before: domain.ReportFacts | None, *, misdirected: bool) -> domain.ReportFacts:
    report = before or domain.ReportFacts(case.report_id)
    return replace(
        report,
        submitted_at=case.submitted_at,
        team=case.team,
        platform=case.platform,
        behaviours=case.behaviours,
        misdirected=report.misdirected or misdirected,
        resolved=case.finished,
    )


def _case_row(case: domain.CaseFacts) -> dict[str, object]:
    missed = sorted(f"{one.due_at.isoformat()}|{one.kind}|{one.team}" for one in case.missed)
    reviews = [f"{asked.isoformat()}|{due.isoformat()}|{looked}" for asked, due, looked in case.reviews]
    known = {name: value for name, value in vars(case).items() if name != "takedowns"}
    return {**known, "missed": missed, "reviews": reviews}


def _takedown_rows(cases: Iterable[domain.CaseFacts]) -> Iterator[dict[str, object]]:
    return ({"case_id": case.case_id, **one._asdict()} for case in cases for one in case.takedowns)


def _report_row(report: domain.ReportFacts) -> dict[str, object]:
    return {**vars(report), "behaviours": list(report.behaviours)}


async def _store(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, object]], key: str) -> None:
    if not rows:
        return
    statement = insert(table.table())
    changing = {name: statement.excluded[name] for name in rows[0] if name != key}
    await session.execute(statement.on_conflict_do_update(index_elements=[key], set_=changing), list(rows))


async def _add(session: AsyncSession, changes: Mapping[domain.Cell, int]) -> None:
    """Add to the figures; delete a number that reaches zero."""
    if not changes:
        return
    statement = insert(tables.FigureRow.table())
    adding = {"n": tables.FigureRow.n + statement.excluded.n}
    rows = [{**cell._asdict(), "n": n} for cell, n in changes.items()]
    await session.execute(statement.on_conflict_do_update(index_elements=["figure", "at", "label"], set_=adding), rows)
    await session.execute(delete(tables.FigureRow).where(text("n = 0")))
    await _note_change(session)


async def _note_change(session: AsyncSession) -> None:
    statement = insert(tables.FigureVersion).values(key=_ONE, version=1)
    grown = {"version": tables.FigureVersion.version + 1}
    await session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=grown))
