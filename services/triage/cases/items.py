"""Cases as clients read them."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.domain import Case
from services.triage.deadlines import queries as deadlines
from services.triage.deadlines.domain import Clock
from services.triage.routing import queries as routing
from services.triage.routing.queries import Explanation
from shared.events.vocabulary import CaseState, DeadlineKind, Outcome, Priority, ReportType, Team


class Routing(BaseModel):
    """Why the case went where it went first."""

    rule: str
    clause: str
    misdirected: bool
    explanation: str


class DeadlineItem(BaseModel):
    """One clock. At most one of `met_at` and `paused` says why it does not run."""

    kind: DeadlineKind
    due_at: AwareDatetime
    at_risk_at: AwareDatetime
    met_at: AwareDatetime | None
    missed_at: AwareDatetime | None
    paused: bool


class CaseItem(BaseModel):
    """A case in a list."""

    case_id: UUID
    reference: str
    report_id: UUID
    report_type: ReportType
    team: Team
    state: CaseState
    priority: Priority
    routing: Routing
    submitted_at: AwareDatetime
    opened_at: AwareDatetime
    deadlines: list[DeadlineItem]


class CaseDetail(CaseItem):
    """One case; `version` is what `If-Match` wants, and also the `ETag`."""

    version: int
    restricted: bool
    assignee: str | None
    outcome: Outcome | None


class CasePage(BaseModel):
    """Some cases, and where to go on."""

    items: list[CaseItem]
    next_cursor: str | None


async def items(session: AsyncSession, cases: Sequence[Case]) -> list[CaseItem]:
    """Return `cases` with their routing and clocks, in two statements."""
    ids = [case.case_id for case in cases]
    explained, clocks = await routing.explain(session, ids), await deadlines.of_cases(session, ids)
    return [_item(case, explained[case.case_id], clocks[case.case_id]) for case in cases]


async def detail(session: AsyncSession, case: Case) -> CaseDetail:
    """Return one case whole."""
    [item] = await items(session, [case])
    return CaseDetail(
        **dict(item),
        version=case.version,
        restricted=case.restricted,
        assignee=case.assignee,
        outcome=case.outcome,
    )


def _item(case: Case, explained: Explanation, clocks: Sequence[Clock]) -> CaseItem:
    return CaseItem(
        case_id=case.case_id,
        reference=case.reference,
        report_id=case.report_id,
        report_type=case.report_type,
        team=case.team,
        state=case.state,
        priority=case.priority,
        routing=Routing(
            rule=explained.rule,
            clause=explained.clause,
            misdirected=explained.misdirected,
            explanation=explained.sentence,
        ),
        submitted_at=case.submitted_at,
        opened_at=case.opened_at,
        deadlines=[_deadline(clock) for clock in clocks],
    )


def _deadline(clock: Clock) -> DeadlineItem:
    return DeadlineItem(
        kind=clock.kind,
        due_at=clock.due_at,
        at_risk_at=clock.at_risk_at,
        met_at=clock.met_at,
        missed_at=clock.missed_at,
        paused=clock.paused_at is not None,
    )
