"""What notifier says of line managers (R-d): who works a case of misuse, what they did, and what they refer to SIRT."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain, queries, turns
from services.triage.cases.changes import handed_over, resolved
from services.triage.cases.domain import FINISHED, Case
from services.triage.cases.linking import Wish, open_linked
from services.triage.cases.recording import Recorder, Taken, record
from services.triage.cases.tables import CaseRow
from shared.audit import chain
from shared.audit.chain import Change
from shared.events.envelope import Envelope, Event
from shared.events.notifier import ManagerActionRecorded, ManagerAssigned, SirtReferralRequested
from shared.events.vocabulary import ManagerAction, Outcome, ReportType, Team
from shared.ids import Ids

NOTIFIER = "system:notifier"
REFERRED = "referred-by-the-manager"
_REFERRAL = "The line manager who works the case refers it to the Security Incident Response Team (SIRT)."


async def manager_assigned(
    session: AsyncSession, envelopes: Sequence[Envelope[ManagerAssigned]], now: datetime, *, recorder: Recorder
) -> None:
    """Note who works each case; one for which there is nobody goes to the triage desk."""
    rows = await queries.lock_cases(session, [envelope.data.case_id for envelope in envelopes])
    taken = [
        one
        for envelope in envelopes
        if (row := rows.get(envelope.data.case_id)) and (one := _assigned(row, envelope.data, now, recorder))
    ]
    await record(session, taken, now, recorder)


async def manager_acted(
    session: AsyncSession, envelopes: Sequence[Envelope[ManagerActionRecorded]], now: datetime, *, recorder: Recorder
) -> None:
    """End each case with what its manager did; what this version cannot read is for the triage desk."""
    rows = await queries.lock_cases(session, [envelope.data.case_id for envelope in envelopes])
    taken = [
        _acted(row, envelope.data, now, recorder) for envelope in envelopes if (row := rows.get(envelope.data.case_id))
    ]
    await record(session, taken, now, recorder)


async def referred(
    session: AsyncSession, envelopes: Sequence[Envelope[SirtReferralRequested]], now: datetime, *, recorder: Recorder
) -> None:
    """Open a linked case of SIRT for each referral; where SIRT has one, it is enough to say so (R-c)."""
    siblings = await queries.lock_reports(session, [envelope.data.report_id for envelope in envelopes])
    rows = {row.case_id: row for row in siblings}
    asked = [(rows[e.data.case_id], e.data.manager) for e in envelopes if e.data.case_id in rows]
    with_sirt = {row.report_id for row in siblings if row.team == Team.SIRT and row.state not in FINISHED}
    wishes = [_wish(row) for row, _ in asked if row.report_id not in with_sirt]
    await record(session, [_referred(row, manager) for row, manager in asked], now, recorder)
    await open_linked(session, wishes, siblings, now, recorder)


async def note_look(session: AsyncSession, case: Case, action: str, now: datetime, ids: Ids) -> None:
    """Record that the manager looked: `manager_looked`, or `content_shown`."""
    rows = await queries.lock_cases(session, [case.case_id])
    looked = Change(action, case.manager or NOTIFIER)
    await chain.append(session, [(case_id, looked) for case_id in rows], now, ids)


def _assigned(row: CaseRow, data: ManagerAssigned, now: datetime, recorder: Recorder) -> Taken | None:
    case = queries.to_case(row)
    if case.team is not Team.LINE_MANAGER or case.state in FINISHED:
        return None
    says = {"reason": str(data.reason)}
    if data.manager is None:
        return _to_the_desk(row, now, recorder, "manager_missing", says)
    after = turns.assigned(case, data.manager)
    return Taken(row, after, "manager_assigned", NOTIFIER, says=says, personal={"manager": data.manager})


def _acted(row: CaseRow, data: ManagerActionRecorded, now: datetime, recorder: Recorder) -> Taken:
    case = queries.to_case(row)
    says = {"action": str(data.action), "acted_on": data.acted_on.isoformat()}
    personal = {"manager": data.manager}
    if case.team is not Team.LINE_MANAGER or case.state in FINISHED:
        return Taken(row, domain.following(case), "manager_acted", NOTIFIER, says=says, personal=personal)
    if not isinstance(data.action, ManagerAction):
        return _to_the_desk(row, now, recorder, "manager_acted", says)
    outcome = Outcome(data.action.value)
    after = turns.concluded(case, outcome)
    events: list[Event] = [resolved(after, outcome, now)]
    return Taken(row, after, "manager_acted", NOTIFIER, says=says, personal=personal, events=events)


def _to_the_desk(row: CaseRow, now: datetime, recorder: Recorder, action: str, says: dict[str, str]) -> Taken:
    case = queries.to_case(row)
    after = turns.moved(case, Team.TRIAGE_DESK)
    event = handed_over(case, after, now, recorder.clocks)
    return Taken(row, after, action, NOTIFIER, says=says, events=[event])


def _referred(row: CaseRow, manager: str) -> Taken:
    after = domain.following(queries.to_case(row))
    return Taken(row, after, "referred_to_sirt", NOTIFIER, personal={"manager": manager})


def _wish(row: CaseRow) -> Wish:
    return Wish(
        origin=row,
        team=Team.SIRT,
        report_type=ReportType.MISUSE,
        category=row.category,
        rule=REFERRED,
        clause="R-c",
        sentence=_REFERRAL,
        by=NOTIFIER,
        restricted=True,
        kept_from=tuple(row.kept_from),
    )
