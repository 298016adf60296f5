"""Explains decisions: for a page of cases, for one case, and for the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.routing.domain import Decision, Facts
from services.triage.routing.tables import StoredDecision
from services.triage.routing.wording import explanation
from shared.events.vocabulary import Priority, ReportType, Team


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a case was first sent where it was."""

    decided_at: datetime
    team: Team
    rule: str
    clause: str
    priority: str
    category: str
    misdirected: bool
    sentence: str
    """The whole explanation, for a reporter to read."""
    matched: tuple[str, ...]
    shadow: tuple[str, ...]
    facts: Mapping[str, object]
    rulebook: str
    policy: str
    problem: str | None


async def explain(session: AsyncSession, case_ids: Sequence[UUID]) -> Mapping[UUID, Explanation]:
    """Return the explanation of each case, in one statement."""
    rows = await session.scalars(select(StoredDecision).where(StoredDecision.case_id.in_(case_ids)))
    return {row.case_id: _explanation(row) for row in rows}


async def decisions(session: AsyncSession, case_ids: Sequence[UUID]) -> Mapping[UUID, Decision]:
    """Return the decision of each case as it was made, in one statement; linked cases that it opened are left out."""
    rows = await session.scalars(select(StoredDecision).where(StoredDecision.case_id.in_(case_ids)))
    return {row.case_id: _decision(row) for row in rows}


def _decision(row: StoredDecision) -> Decision:
    facts = Facts.from_json(row.facts)
    return Decision(
        team=Team(row.team),
        rule=row.rule,
        clause=row.clause,
        priority=Priority(row.priority),
        category=row.category,
        sentence=row.sentence,
        report_type=facts.report_type,
        misdirected=row.misdirected,
        restricted=facts.report_type == ReportType.MISUSE,
        also=(),
        matched=tuple(row.matched),
        shadow=tuple(row.shadow),
        facts=facts,
        rulebook=row.rulebook,
        policy=row.policy,
        problem=row.problem,
    )


def _explanation(row: StoredDecision) -> Explanation:
    team = Team(row.team)
    return Explanation(
        decided_at=row.decided_at,
        team=team,
        rule=row.rule,
        clause=row.clause,
        priority=row.priority,
        category=row.category,
        misdirected=row.misdirected,
        sentence=explanation(team, row.rule, row.clause, row.sentence),
        matched=tuple(row.matched),
        shadow=tuple(row.shadow),
        facts={field.name: row.facts.get(field.name) for field in fields(Facts)},
        rulebook=row.rulebook,
        policy=row.policy,
        problem=row.problem,
    )
