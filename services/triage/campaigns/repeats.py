"""Reads who is targeted again: other reports about the same person, among the cases that the viewer may see.

A person is known by a staff number or by a name of two words or more, so a namesake may be among them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
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
"""Of the persons in reports, those that one statement looks at."""
ROUNDS = 5
"""So many such statements make one page at most; older persons are on the next one."""
_MOST_SIFTED = 500
"""Of the reports about a person, the nearest among which those that the viewer may see are looked for."""
_BESIDE = 5
"""Earlier cases beside each person of the list."""

CURSOR = r"^[0-9]{1,16}\.[0-9a-f]{32}$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OtherReports(NamedTuple):
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


class Cursor(NamedTuple):
    """Where a page begins: with reports before this one."""

    at: datetime
    case_id: UUID

    def is_before(self, other: "Cursor | None") -> bool:
        """Return whether a page that begins here has older reports than one that begins there."""
        return other is None or self < other

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}.{self.case_id.hex}"

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Read one from a URL. It fits `CURSOR`."""
        at, _, case_id = text.partition(".")
        return cls(_EPOCH + timedelta(microseconds=int(at)), UUID(case_id))


@dataclass(frozen=True, slots=True)
class Page:
    """People who are targeted again."""

    people: Sequence[Repeat]
    after: Cursor | None
    """Where older ones begin; None if there are none."""
    since: datetime | None
    """Until when it looked back, if it did not look at all of the 30 days and has room for more people."""


async def told_of(session: AsyncSession, viewer: Viewer, case: Case) -> OtherReports:
    """Return how often the person whom a case is about was targeted around it, in one statement."""
    counts = []
    for before in (True, False):
        found = _beside(viewer, case, before=before, within=WITHIN)
        some = select(found.c.report_id).distinct().limit(MOST_COUNTED + 1).subquery()
        counts.append(select(func.count()).select_from(some).scalar_subquery())
    return OtherReports(*(await session.execute(select(*counts))).one())


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


async def again(session: AsyncSession, viewer: Viewer, now: datetime, after: Cursor | None, limit: int) -> Page:
    """Return people who are targeted again, the one with the newest report first.

    Each is at the newest case about them. A person whom reports name by number and by name is listed once.
    """
    start, full = after, False
    found: dict[UUID, tuple[Key, Member, int]] = {}
    for _ in range(ROUNDS):
        rows = (await session.execute(_repeated(viewer, _walked(now, start)).limit(2 * limit + 1))).mappings().all()
        for row in rows:
            newest = MEMBER.validate_python({**row, "belongs": MemberState.CONFIRMED})
            found.setdefault(newest.case_id, (Key(KeyKind.PERSON, row["key"]), newest, row["before"] + 1))
        full, start = len(found) > limit or len(rows) > 2 * limit, await _end(session, now, start)
        if full or start is None:
            break
    shown = list(found.values())[:limit]
    if full:
        start = Cursor(shown[-1][1].submitted_at, shown[-1][1].case_id)
    elif start and (whole := _to_the_minute(start)).is_before(after):
        start, shown = whole, [one for one in shown if one[1].submitted_at >= whole.at]
    others = await _earlier_of(session, viewer, [(key, newest) for key, newest, _ in shown])
    people = [Repeat(*one, others[one[1].case_id]) for one in shown]
    return Page(people, start, None if full or start is None else start.at)


def _repeated(viewer: Viewer, walked: Subquery) -> Select[Any]:
    """Return those of some persons who are targeted again, each with the newest case about them."""
    seen, key = cases.shown_to(viewer), aliased(CaseKey, walked)
    near = _same(viewer, key, _is_before(key), CaseKey.at >= key.at - WITHIN).subquery()
    counted = select(func.count(near.c.report_id.distinct()).label("before")).lateral()
    later = _same(viewer, key, not_(_is_before(key))).exists()
    rows = select(key.key, seen, counted.c.before).join_from(key, seen, seen.c.case_id == key.case_id)
    rows = rows.join(counted, true()).where(counted.c.before > 0, not_(later))
    return rows.order_by(key.at.desc(), key.case_id.desc(), key.key)


def _walked(now: datetime, start: Cursor | None) -> Subquery:
    """Return the persons in reports of the last 30 days, the newest first, whether or not the viewer may see them."""
    table = CaseKey.table()
    newest = select(table).where(table.c.kind == KeyKind.PERSON.value, table.c.at >= now - WITHIN)
    newest = newest.where(tuple_(table.c.at, table.c.case_id) < tuple_(*start)) if start else newest
    return newest.order_by(table.c.at.desc(), table.c.case_id.desc()).limit(MOST_WALKED).subquery()


async def _end(session: AsyncSession, now: datetime, start: Cursor | None) -> Cursor | None:
    """Return where the next persons begin: at the last case again, as it may name more; None if there are none."""
    last = _walked(now, start)
    place = select(last.c.at, last.c.case_id).order_by(last.c.at.desc(), last.c.case_id.desc())
    row = (await session.execute(place.offset(MOST_WALKED - 1))).first()
    return Cursor(row.at, UUID(int=row.case_id.int + 1)) if row else None


def _to_the_minute(place: Cursor) -> Cursor:
    """Return the next whole minute, so that no page says when a case was reported that the viewer may not see."""
    return Cursor(place.at.replace(second=0, microsecond=0) + timedelta(minutes=1), UUID(int=0))


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
