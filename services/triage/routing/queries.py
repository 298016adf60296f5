"""Explains decisions, in words and codes, and reads those of a period to count or replay them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Subquery, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.routing.domain import Decision, Facts
from services.triage.routing.tables import StoredDecision
from shared.events.vocabulary import ReportType, Team

TEAM_NAMES = {
    Team.SMART: "SMART",
    Team.SIRT: "SIRT",
    Team.LINE_MANAGER: "the line manager",
    Team.ADVICE_CENTRE: "the Security Advice Centre",
    Team.POLICY_STANDARDS: "Security Policy and Standards",
    Team.TRIAGE_DESK: "the triage desk",
}
"""The name of a team in a sentence."""

_CLAUSES = {
    "P": "purpose {}",
    "O": "overview {}",
    "Sc-": "scope {}",
    "D-": "the definition of {}",
    "S": "statement {}",
    "R-": "responsibilities {}",
    "C-": "compliance {}",
    "X": "closing paragraph {}",
}


def clause_words(clause: str) -> str:
    """Return for example `statement 3` for S3 and `compliance h` for C-h."""
    prefix = max((prefix for prefix in _CLAUSES if clause.startswith(prefix)), key=len)
    return _CLAUSES[prefix].format(clause.removeprefix(prefix).replace("-", " "))


def explanation(team: Team, rule: str, clause: str, sentence: str) -> str:
    """Return why a case was sent where it was, for the reporter to read."""
    return f"Sent to {TEAM_NAMES[team]} by rule {rule} because of {clause_words(clause)}. {sentence}"


def decided(since: datetime, until: datetime) -> Subquery:
    """Return the decisions from `since` to before `until`, by the index on `decided_at`."""
    within = (StoredDecision.decided_at >= since, StoredDecision.decided_at < until)
    return select(StoredDecision).where(*within).subquery("decided")


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
    """Return the original decision of each case, in one statement, without the linked cases that it opened."""
    rows = await session.scalars(select(StoredDecision).where(StoredDecision.case_id.in_(case_ids)))
    return {row.case_id: _decision(row) for row in rows}


def _decision(row: StoredDecision) -> Decision:
    facts = Facts.from_json(row.facts)
    restricted = facts.report_type == ReportType.MISUSE
    beside = {"facts": facts, "report_type": facts.report_type, "restricted": restricted, "also": ()}
    return _DECISION.validate_python({**vars(row), **beside})


def _explanation(row: StoredDecision) -> Explanation:
    sentence = explanation(Team(row.team), row.rule, row.clause, row.sentence)
    facts = {field.name: row.facts.get(field.name) for field in fields(Facts)}
    return _EXPLANATION.validate_python({**vars(row), "sentence": sentence, "facts": facts})


_DECISION = TypeAdapter(Decision)
_EXPLANATION = TypeAdapter(Explanation)
