"""Reads who is targeted again: other reports about the same person, among the cases that the viewer may see.

A person is known by a staff number or by a name of two words or more, so a namesake may be among them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, not_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.triage.campaigns import domain
from services.triage.campaigns.domain import Key, KeyKind, MemberState
from services.triage.campaigns.queries import MEMBER, Member, Related
from services.triage.campaigns.tables import CaseKey
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work

WITHIN = timedelta(days=30)
"""Reports so close together are about a person who is targeted again."""
MOST_COUNTED = 99
MOST_WALKED = 2_000
"""Of the persons in reports, the newest that one page looks at."""
_MOST_SIFTED = 500
"""Of the reports about a person, the nearest among which those that the viewer may see are looked for."""
_BESIDE = 5
"""Earlier cases beside each person of the list."""


class Told(NamedTuple):
    """How many other reports about the same person came within 30 days before a case's report, and after it."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A person who is targeted again: the newest case about them, and earlier ones of the 30 days before."""

    person: Key
    newest: Member
    reports: int
    """With that of the newest, counted up to one more than is said."""
    earlier: Sequence[Member]


async def told_of(session: AsyncSession, viewer: Viewer, case: Case) -> Told:
    """Return how often the person whom a case is about was targeted around it, in one statement."""
    counts = []
    for before in (True, False):
        found = _beside(viewer, case, before=before, within=WITHIN)
        some = select(found.c.report_id).distinct().limit(MOST_COUNTED + 1).subquery()
        counts.append(select(func.count()).select_from(some).scalar_subquery())
    return Told(*(await session.execute(select(*counts))).one())


async def said_of(work: Work, case: Case) -> str:
    """Return the line on a case's page; empty if there are no other reports."""
    return domain.told_again(*await told_of(work.session, work.viewer, case), MOST_COUNTED)


async def earlier(session: AsyncSession, viewer: Viewer, case: Case, limit: int) -> list[Related]:
    """Return the newest earlier cases about the same person, as long as that is kept, each with all that it shares."""
    mine, other, seen = aliased(CaseKey), aliased(CaseKey), cases.shown_to(viewer)
    about = select(_beside(viewer, case, before=True).c.case_id).distinct().subquery()
    same = and_(other.kind == mine.kind, other.key == mine.key)
    kinds = select(func.array_agg(mine.kind.distinct())).join_from(mine, other, same).correlate(about)
    kinds = kinds.where(mine.case_id == case.case_id, other.case_id == about.c.case_id)
    wanted = select(seen, kinds.label("kinds")).join(about, about.c.case_id == seen.c.case_id)
    rows = await session.execute(wanted.order_by(seen.c.submitted_at.desc(), seen.c.case_id.desc()).limit(limit))
    return [
        Related(
            MEMBER.validate_python({**row, "belongs": MemberState.CONFIRMED}),
            tuple(domain.why(map(KeyKind, row["kinds"]))),
        )
        for row in rows.mappings()
    ]


async def again(
    session: AsyncSession, viewer: Viewer, now: datetime, after: UUID | None, limit: int
) -> tuple[list[Repeat], bool]:
    """Return people who are targeted again, the one with the newest report first, and whether older ones follow.

    Each is at the newest case about them. A person whom reports name by number and by name is listed once.
    """
    seen, key = cases.shown_to(viewer), aliased(CaseKey, _walked(now, await _place(session, viewer, after)))
    near = _same(viewer, key, _is_before(key), CaseKey.at >= key.at - WITHIN).subquery()
    counted = select(func.count(near.c.report_id.distinct()).label("before")).lateral()
    later = _same(viewer, key, not_(_is_before(key))).exists()
    rows = select(key.key, seen, counted.c.before).join_from(key, seen, seen.c.case_id == key.case_id)
    rows = rows.join(counted, true()).where(counted.c.before > 0, not_(later))
    rows = rows.order_by(key.at.desc(), key.case_id.desc(), key.key)
    found: dict[UUID, tuple[Key, Member, int]] = {}
    for row in (await session.execute(rows.limit(2 * limit + 1))).mappings():
        newest = MEMBER.validate_python({**row, "belongs": MemberState.CONFIRMED})
        found.setdefault(newest.case_id, (Key(KeyKind.PERSON, row["key"]), newest, row["before"] + 1))
    shown = list(found.values())[:limit]
    others = await _earlier_of(session, viewer, [(key, newest) for key, newest, _ in shown])
    return [Repeat(*one, others[one[1].case_id]) for one in shown], len(found) > limit


def _walked(now: datetime, place: tuple[datetime, UUID] | None) -> Subquery:
    """Return the persons in reports of the last 30 days, the newest first, whether or not the viewer may see them."""
    table = CaseKey.table()
    newest = select(table).where(table.c.kind == KeyKind.PERSON.value, table.c.at >= now - WITHIN)
    newest = newest.where(tuple_(table.c.at, table.c.case_id) < tuple_(*place)) if place else newest
    return newest.order_by(table.c.at.desc(), table.c.case_id.desc()).limit(MOST_WALKED).subquery()


async def _place(session: AsyncSession, viewer: Viewer, case_id: UUID | None) -> tuple[datetime, UUID] | None:
    """Return where a page goes on: after a case that the viewer may see."""
    seen = cases.shown_to(viewer)
    at = await session.scalar(select(seen.c.submitted_at).where(seen.c.case_id == case_id)) if case_id else None
    return (at, case_id) if at and case_id else None


async def _earlier_of(
    session: AsyncSession, viewer: Viewer, persons: Sequence[tuple[Key, Member]]
) -> dict[UUID, list[Member]]:
    """Return the newest cases about each person in the 30 days before, in one statement."""
    key, seen = aliased(CaseKey), cases.shown_to(viewer)
    near = _same(viewer, key, _is_before(key), CaseKey.at >= key.at - WITHIN).limit(_BESIDE).lateral()
    wanted = select(key.case_id.label("of"), seen).join_from(key, near, true())
    which = tuple_(key.case_id, key.key).in_([(one.case_id, person.value) for person, one in persons])
    wanted = wanted.join(seen, seen.c.case_id == near.c.case_id).where(key.kind == KeyKind.PERSON.value, which)
    rows = await session.execute(wanted.order_by(seen.c.submitted_at.desc(), seen.c.case_id.desc()))
    found: dict[UUID, list[Member]] = defaultdict(list)
    for row in rows.mappings():
        found[row["of"]].append(MEMBER.validate_python({**row, "belongs": MemberState.CONFIRMED}))
    return found


def _beside(viewer: Viewer, case: Case, *, before: bool, within: timedelta | None = None) -> Subquery:
    """Return cases of reports about the same person that came before a case's report, or after it."""
    mine = aliased(CaseKey)
    when = [_is_before(mine) if before else not_(_is_before(mine))]
    if within:
        when.append(CaseKey.at >= mine.at - within if before else CaseKey.at <= mine.at + within)
    near = _same(viewer, mine, *when, newest=before).lateral()
    found = select(near.c.case_id, near.c.report_id).join_from(mine, near, true())
    return found.where(mine.case_id == case.case_id, mine.kind == KeyKind.PERSON.value).subquery()


def _is_before(key: type[CaseKey]) -> ColumnElement[bool]:
    return tuple_(CaseKey.at, CaseKey.case_id) < tuple_(key.at, key.case_id)


def _same(viewer: Viewer, key: type[CaseKey], *when: ColumnElement[bool], newest: bool = True) -> Select[UUID]:
    """Return cases of other reports about the person of `key` that the viewer may see, among the nearest ones."""
    seen = cases.shown_to(viewer)
    near = (
        select(CaseKey.case_id, CaseKey.report_id, CaseKey.at)
        .where(CaseKey.kind == KeyKind.PERSON.value, CaseKey.key == key.key, CaseKey.report_id != key.report_id, *when)
        .correlate(key)
        .order_by(CaseKey.at.desc() if newest else CaseKey.at)
        .limit(_MOST_SIFTED)
        .lateral()
    )
    shown = select(near.c.case_id, near.c.report_id).join_from(near, seen, seen.c.case_id == near.c.case_id)
    return shown.order_by(near.c.at.desc())
