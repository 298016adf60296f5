"""Keeps the figures: each event says what to look at again, and only what became different is added or taken away."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries as counting
from services.triage.cases.queries import CountableCase
from services.triage.operations import queries
from services.triage.operations.domain import (
    CaseFacts,
    Cell,
    HeardOfAlerts,
    HeardOfCase,
    ReportFacts,
    difference,
)
from services.triage.operations.tables import (
    CountedCase,
    CountedReport,
    FigureRow,
    FigureVersion,
    KnownDeadLetter,
    LedgerFigures,
)
from services.triage.tables import Base
from shared.events.envelope import Envelope
from shared.events.intake import LedgerChanged
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled

_ONE = "total"
# Two members of the group would change the same figures, each in the order of its own events.
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtext('signpost-triage-operations'))")


async def count_cases(session: AsyncSession, heard: Mapping[UUID, HeardOfCase]) -> None:
    """Look at the cases again and bring the figures to what they are now, with what was heard of each."""
    await session.execute(_ONE_AT_A_TIME)
    found = await counting.countable(session, list(heard))
    cases_before = await queries.cases(session, list(heard))
    reports_before = await queries.reports(session, {case.report_id for case in found})
    cases = [_case(case, heard[case.case_id], cases_before.get(case.case_id)) for case in found]
    reports = [
        _report(case, reports_before.get(case.report_id), misdirected=heard[case.case_id].misdirected)
        for case in found
        if case.first
    ]
    new_cases = [case for case in cases if case != cases_before.get(case.case_id)]
    new_reports = [report for report in reports if report != reports_before.get(report.report_id)]
    await _store(session, CountedCase, [_case_row(case) for case in new_cases], "case_id")
    await _store(session, CountedReport, [_report_row(report) for report in new_reports], "report_id")
    before = [facts.cells() for facts in cases_before.values()]
    before += [reports_before[report.report_id].cells() for report in reports if report.report_id in reports_before]
    after = [facts.cells() for facts in cases] + [facts.cells() for facts in reports]
    await _add(session, difference(before, after))


async def count_alerts(session: AsyncSession, heard: Mapping[UUID, HeardOfAlerts]) -> None:
    """Bring the figures to what was heard of the alerts of reports."""
    await session.execute(_ONE_AT_A_TIME)
    before = await queries.reports(session, list(heard))
    after = [said.told_of(before.get(report_id) or ReportFacts(report_id)) for report_id, said in heard.items()]
    new = [report for report in after if report != before.get(report.report_id)]
    await _store(session, CountedReport, [_report_row(report) for report in new], "report_id")
    await _add(session, difference((facts.cells() for facts in before.values()), (facts.cells() for facts in after)))


async def note_ledger(session: AsyncSession, changed: Sequence[Envelope[LedgerChanged]], _now: datetime) -> None:
    """Keep the newest figures of the ledger."""
    await session.execute(_ONE_AT_A_TIME)
    newest = max((event.data for event in changed), key=lambda data: data.at)
    names = [name for name in LedgerFigures.table().columns.keys() if name != "key"]  # noqa: SIM118 -- a collection
    values = {name: getattr(newest, name) for name in names}
    statement = insert(LedgerFigures).values(key=_ONE, **values)
    newer = LedgerFigures.at < statement.excluded.at
    await session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values, where=newer))
    await _note_change(session)


async def note_dead_letters(
    session: AsyncSession, events: Sequence[Envelope[DeadLetterRecorded] | Envelope[DeadLetterSettled]], _now: datetime
) -> None:
    """Keep which dead letters there are, and which of them are settled."""
    await session.execute(_ONE_AT_A_TIME)
    for event in events:
        letter, settled = event.data, isinstance(event.data, DeadLetterSettled)
        when = {"settled_at": letter.at} if settled else {"recorded_at": letter.at}
        known = {"group_name": letter.group, "topic": letter.topic, "error_class": letter.error_class}
        statement = insert(KnownDeadLetter).values(dead_letter_id=letter.dead_letter_id, **known, **when)
        await session.execute(statement.on_conflict_do_update(index_elements=["dead_letter_id"], set_=when))
    await _note_change(session)


def together(heard: Sequence[tuple[UUID, HeardOfCase]]) -> Mapping[UUID, HeardOfCase]:
    """Return what was heard of each case in all."""
    of_each: dict[UUID, HeardOfCase] = defaultdict(HeardOfCase)
    for case_id, said in heard:
        of_each[case_id] = of_each[case_id] | said
    return of_each


def _case(now: CountableCase, heard: HeardOfCase, before: CaseFacts | None) -> CaseFacts:
    facts = CaseFacts(
        case_id=now.case_id,
        report_id=now.report_id,
        team=now.team,
        submitted_at=now.submitted_at,
        opened_at=now.opened_at,
        finished=now.finished,
    )
    if before:
        facts = replace(
            facts, first_action_at=before.first_action_at, resolved_at=before.resolved_at, missed=before.missed
        )
    return heard.told_of(facts)


def _report(case: CountableCase, before: ReportFacts | None, *, misdirected: bool) -> ReportFacts:
    report = before or ReportFacts(case.report_id)
    return replace(
        report,
        submitted_at=case.submitted_at,
        platform=case.platform,
        behaviours=case.behaviours,
        misdirected=report.misdirected or misdirected,
        resolved=case.finished,
    )


def _case_row(case: CaseFacts) -> dict[str, object]:
    missed = sorted(f"{one.due_at.isoformat()}|{one.kind}|{one.team}" for one in case.missed)
    return {name: getattr(case, name) for name in CaseFacts.__dataclass_fields__} | {"missed": missed}


def _report_row(report: ReportFacts) -> dict[str, object]:
    values = {name: getattr(report, name) for name in ReportFacts.__dataclass_fields__}
    return values | {"behaviours": list(report.behaviours)}


async def _store(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, object]], key: str) -> None:
    if not rows:
        return
    statement = insert(table.table())
    changing = {name: statement.excluded[name] for name in rows[0] if name != key}
    await session.execute(statement.on_conflict_do_update(index_elements=[key], set_=changing), list(rows))


async def _add(session: AsyncSession, changes: Mapping[Cell, int]) -> None:
    """Add to the figures; a number that came to nothing is let go."""
    if not changes:
        return
    statement = insert(FigureRow.table())
    adding = {"n": FigureRow.n + statement.excluded.n}
    rows = [{**cell._asdict(), "n": n} for cell, n in changes.items()]
    await session.execute(statement.on_conflict_do_update(index_elements=["figure", "at", "label"], set_=adding), rows)
    await session.execute(delete(FigureRow).where(text("n = 0")))
    await _note_change(session)


async def _note_change(session: AsyncSession) -> None:
    statement = insert(FigureVersion).values(key=_ONE, version=1)
    grown = {"version": FigureVersion.version + 1}
    await session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=grown))
