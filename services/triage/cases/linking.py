"""Opens linked cases that people ask for: a manager refers to SIRT, a lead sees misuse beside abuse."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.changes import of_report
from services.triage.cases.recording import Recorder
from services.triage.cases.storing import NewCase, new_case, store
from services.triage.cases.tables import CaseRow
from services.triage.routing import queries as routing
from services.triage.routing.domain import Decision
from shared.events.vocabulary import Priority, ReportType, Team
from shared.ids import CaseId, ReportId


@dataclass(frozen=True, slots=True)
class Wish:
    """A linked case that somebody asks for, beside one that there is."""

    origin: CaseRow
    team: Team
    report_type: ReportType
    category: str
    rule: str
    """What is said in a rule's place."""
    clause: str
    sentence: str
    by: str
    restricted: bool
    kept_from: tuple[str, ...]


async def open_linked(
    session: AsyncSession, wishes: Sequence[Wish], siblings: Sequence[CaseRow], now: datetime, recorder: Recorder
) -> list[NewCase]:
    """Open a case for each wish, numbered after the cases that its report has.

    Args:
        session: the transaction.
        wishes: what is asked for.
        siblings: all cases of the same reports; the caller holds their locks, so that no number is given twice.
        now: when it is asked; clocks of a case that is asked for later start then.
        recorder: what storing needs.
    """
    made = await routing.decisions(session, [wish.origin.case_id for wish in wishes])
    numbers = Counter({row.report_id: 0 for row in siblings})
    for row in siblings:
        numbers[row.report_id] = max(numbers[row.report_id], row.link_number)
    new = []
    for wish in wishes:
        numbers[wish.origin.report_id] += 1
        new.append(_linked(wish, numbers[wish.origin.report_id], made, now, recorder))
    await store(session, new, now, recorder.clocks, recorder.ids, recorder.outbox)
    return new


def _linked(wish: Wish, number: int, made: Mapping[UUID, Decision], now: datetime, recorder: Recorder) -> NewCase:
    origin = wish.origin
    case = new_case(
        case_id=CaseId(recorder.ids.uuid()),
        report_id=ReportId(origin.report_id),
        reference=of_report(origin.reference).linked(number),
        report_type=wish.report_type,
        team=wish.team,
        priority=Priority(origin.priority),
        category=wish.category,
        restricted=wish.restricted,
        submitted_at=origin.submitted_at,
        opened_at=now,
    )
    decision = replace(
        made[origin.case_id],
        team=wish.team,
        rule=wish.rule,
        clause=wish.clause,
        category=wish.category,
        sentence=wish.sentence,
        report_type=wish.report_type,
        misdirected=False,
        restricted=wish.restricted,
        matched=(),
        shadow=(),
    )
    return NewCase(
        case=case,
        link_number=number,
        decision=decision,
        clock=recorder.clocks.respond(case, now),
        platform=origin.platform,
        what=tuple(origin.behaviours),
        kept_from=wish.kept_from,
        by=wish.by,
    )
