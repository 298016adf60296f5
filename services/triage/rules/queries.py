"""Reads what the rules did: how often each decided, what people then moved, and past decisions to replay.

One grouped statement counts hits over the decisions of 30 days, by the index on `decided_at`. Counters would not do:
cases kept from the viewer must not show even in a number, and a counter would cost one more write for every report.
Only leads and owners of rules open the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Row, Subquery, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.cases.queries import present
from services.triage.deadlines.domain import UK
from services.triage.routing.queries import decided
from services.triage.rules.domain import Past, Window, facts_of_old

COUNTED = timedelta(days=30)
"""How far back hits are counted."""

Position = tuple[datetime, UUID]
"""The oldest decision read: the next batch starts before it."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What the rules did in the last 30 days, by rule."""

    decided: Mapping[str, int]
    """Reports that a rule decided."""
    moved: Mapping[str, int]
    """Cases that people then moved to another team, including linked ones."""
    caught: Mapping[str, int]
    """Reports that a shadow rule would have matched."""


async def hits(session: AsyncSession, viewer: Viewer, now: datetime) -> Hits:
    """Count what the rules did, without cases kept from the viewer, in two statements."""
    made, cases = decided(now - COUNTED, now), present(viewer)
    joined = made.join(cases, made.c.case_id == cases.c.case_id)
    first = cases.c.link_number == 1
    times = func.count().filter(first).label("decided")
    moved = func.count().filter(cases.c.transfers > 0).label("moved")
    by_rule = select(made.c.rule, times, moved)
    rows = (await session.execute(by_rule.select_from(joined).group_by(made.c.rule))).all()
    return Hits(
        decided={row.rule: row.decided for row in rows},
        moved={row.rule: row.moved for row in rows},
        caught=await _caught(session, made, joined, first),
    )


async def _caught(
    session: AsyncSession, made: Subquery, joined: FromClause, first: ColumnElement[bool]
) -> Mapping[str, int]:
    each = select(func.unnest(made.c.shadow).label("name")).select_from(joined)
    each_name = each.where(first, func.cardinality(made.c.shadow) > 0).subquery("caught")
    rows = await session.execute(select(each_name.c.name, func.count().label("times")).group_by(each_name.c.name))
    return {row.name: row.times for row in rows}


async def past(
    session: AsyncSession, viewer: Viewer | None, window: Window, before: Position | None, limit: int
) -> tuple[list[Past], Position | None]:
    """Return up to `limit` first decisions of reports, newest first, and where the next batch starts (None: no more).

    Linked cases belong to the decision that opened them; those that people opened later do not.
    """
    until = min(window.until, before[0] + timedelta(microseconds=1)) if before else window.until
    made, cases = decided(window.since, until), present(viewer)
    joined = made.join(cases, and_(made.c.case_id == cases.c.case_id, cases.c.link_number == 1))
    query = select(*_columns(made, cases)).select_from(joined)
    query = query.order_by(made.c.decided_at.desc(), made.c.case_id.desc())
    if before:
        query = query.where(tuple_(made.c.decided_at, made.c.case_id) < tuple_(*before))
    rows = (await session.execute(query.limit(limit))).all()
    linked = await _linked(session, window, [row.report_id for row in rows])
    found = [_past(row, linked.get((row.report_id, row.rule), frozenset())) for row in rows]
    return found, (rows[-1].decided_at, rows[-1].case_id) if len(rows) == limit else None


def _columns(made: Subquery, cases: Subquery) -> list[ColumnElement[object]]:
    names = ("case_id", "decided_at", "rule", "team", "priority", "misdirected", "facts")
    now = (cases.c.report_id, cases.c.reference, cases.c.named, cases.c.restricted, cases.c.team.label("team_now"))
    return [*(made.c[name] for name in names), *now]


async def _linked(
    session: AsyncSession, window: Window, reports: Sequence[UUID]
) -> Mapping[tuple[UUID, str], frozenset[str]]:
    """Return the teams of linked cases, by report and the rule that opened them."""
    made, cases = decided(window.since, window.until), present(None)
    query = select(cases.c.report_id, made.c.rule, func.array_agg(made.c.team).label("teams"))
    query = query.select_from(made.join(cases, made.c.case_id == cases.c.case_id))
    query = query.where(cases.c.report_id.in_(reports), cases.c.link_number > 1)
    rows = await session.execute(query.group_by(cases.c.report_id, made.c.rule))
    return {(row.report_id, row.rule): frozenset(row.teams) for row in rows}


def _past(row: Row[*tuple[Any, ...]], also: frozenset[str]) -> Past:
    return Past(
        reference=row.reference if row.named else None,
        decided_on=row.decided_at.astimezone(UK).date(),
        rule=row.rule,
        team=row.team,
        priority=row.priority,
        misdirected=row.misdirected,
        restricted=row.restricted,
        also=also,
        team_now=row.team_now,
        facts=facts_of_old(row.facts),
    )
