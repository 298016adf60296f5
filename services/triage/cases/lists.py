"""Finds the cases of a list, at the same cost among ten thousand cases and among ten million (decision 0062).

A page first walks: it looks at the next cases in its order. Where too few of them fit, what is asked for is rare, and
the index of facets has the rest, in times that grow until enough is found.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, SelectBase, Text, func, select, text, tuple_, union_all
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import CollectionAggregate

from services.triage.cases.access import Viewer
from services.triage.cases.domain import FINISHED, Case
from services.triage.cases.queries import begins, below, evidence_seen, over, to_case, visible_to
from services.triage.cases.tables import LOOKED_AT, CaseAccess, CaseRow, Responder, not_finished
from services.triage.facets import domain as facets
from services.triage.facets.domain import Band, Place
from shared.events.vocabulary import CaseState, Priority, Team
from shared.people import known_person, named

MOST_COUNTED = 99
"""The cases of a list, and new arrivals, are counted up to this number."""
URGENT = (Priority.P1, Priority.P2)
NO_CASE_YET = UUID(int=0)
WALKED = 1_000
"""How many cases a page looks at before it asks the index: it is full by then of what one case in twenty is."""
_CASE = CaseRow.table()
READ = [_CASE.c[name] for name in ("case_id", *LOOKED_AT)]
"""The rows that a page looks at are no wider, and come from the indexes of their orders alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a list asks for, by whom, and in which order."""

    viewer: Viewer
    bands: Sequence[Band]
    facets: frozenset[str] = frozenset()
    """What each case has."""
    among: tuple[UUID, ...] | None = None
    """Only these cases: what a search found."""
    only_open: bool = False
    """Whether no finished case fits: then there are never many, whatever their age."""
    team: Team | None = None
    at_risk_by: datetime | None = None
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    among_cases: Select[UUID] | None = None
    """Only these cases: what they are in, such as a campaign."""
    report_id: UUID | None = None
    reference: str | None = None
    """How it begins."""

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """Every condition on a case, for a statement that looks cases up by their ids."""
        return [*self.fits(CaseRow), *self._named()]

    def fits(self, row: type[CaseRow], band: Band | None = None) -> list[ColumnElement[bool]]:
        """Return every condition on a case."""
        return [visible_to(self.viewer, row, in_list=row is not CaseRow), *self.asks(row, band)]

    @property
    def counted_in(self) -> Band:
        """The band in which its cases are counted."""
        return Band("due_at") if self.at_risk_by else Band("opened_at", descending=True)

    @property
    def walk(self) -> Hashable:
        """Which cases are looked at to count it: what is the same for all listings that can share them."""
        return self.counted_in, self.only_open, self.opened_from, self.opened_before

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day that is asked for."""
        first, end = self.opened_from, self.opened_before
        return first and facets.day_of(first), end and facets.day_of(end - timedelta.resolution)

    def asks(self, row: type[CaseRow], band: Band | None = None) -> list[ColumnElement[bool]]:
        """Return every condition on a case that the viewer sees."""
        found = self._asked(row, band)
        return [*found, row.team == self.team] if self.team else found

    def few(self) -> SelectBase | None:
        """Return the cases of what has few, as a search or a campaign: neither order nor facets matter."""
        among = [] if self.among is None else [CaseRow.case_id == _any_of(self.among)]
        named = among + self._within(CaseRow) + self._named()
        return select(*READ).where(*named) if named else None

    def next_in(self, band: Band, start: Place | None = None) -> SelectBase:
        """Return the next cases of a band, by the index of its order, whether or not they fit."""
        indexed: dict[str, list[ColumnElement[bool]]] = {
            "due_at": [CaseRow.due_at.is_not(None)],
            "priority": [not_finished()],
        }
        within = indexed.get(band.key) or ([not_finished()] if self.only_open else []) + self._opened(CaseRow)
        after = select(*READ).where(*within, *_beyond(CaseRow, band, start))
        return after.order_by(*_order(CaseRow, band)).limit(WALKED)

    def indexed(self, band: Band | None = None, times: Sequence[str] | None = None) -> SelectBase:
        """Return what the index of facets finds: cases that fit, or are kept from the viewer.

        They are those of the viewer's teams, and those for which they are named; opened in `times`, if given.
        """
        asked = self._asked(CaseRow, band) + self._active(band)
        if times:
            asked.append(CaseRow.facets.overlap(times))
        teams = self.viewer.teams & {self.team} if self.team else self.viewer.teams
        of_teams = CaseRow.facets.overlap(facets.seen_by(teams, self.viewer.leads, self.facets))
        names_them = CaseAccess.case_id == CaseRow.case_id, CaseAccess.subject == self.viewer.subject
        named_for = select(*READ).join_from(CaseRow, CaseAccess, sa.and_(*names_them)).where(*asked, sa.not_(of_teams))
        return select(*READ).where(*asked, of_teams).union_all(named_for)

    def _active(self, band: Band | None) -> list[ColumnElement[bool]]:
        """Return by which the smaller index of facets, that of cases with something to do, is enough."""
        replied, asked, chased = CaseRow.replied_at, CaseRow.review_asked_at, CaseRow.takedown == "due"
        waits = {facets.REPLIED: replied.is_not(None), facets.REVIEW: asked.is_not(None), facets.CHASED: chased}
        has_clock = [CaseRow.due_at.is_not(None)] if band and band.key == "due_at" else []
        found = [not_finished()] if self.only_open else has_clock
        return [*found, *(so for facet, so in waits.items() if facet in self.facets)]

    def _named(self) -> list[ColumnElement[bool]]:
        """Return what is asked of the report and the reference."""
        found = [CaseRow.report_id == self.report_id] if self.report_id else []
        return found + list(begins(self.reference) if self.reference else ())

    def _asked(self, row: type[CaseRow], band: Band | None) -> list[ColumnElement[bool]]:
        have = self.facets | set(band.facets if band else ())
        late = [row.at_risk_at <= self.at_risk_by] if self.at_risk_by else []
        return [*self._opened(row), *self._within(row), row.facets.contains(sorted(have)), *late]

    def _within(self, row: type[CaseRow]) -> list[ColumnElement[bool]]:
        return [] if self.among_cases is None else [row.case_id.in_(self.among_cases)]

    def _opened(self, row: type[CaseRow]) -> list[ColumnElement[bool]]:
        since = [row.opened_at >= self.opened_from] if self.opened_from else []
        return since + ([row.opened_at < self.opened_before] if self.opened_before else [])


async def find(
    session: AsyncSession, listing: Listing, limit: int, start: Place | None = None, *, backwards: bool = False
) -> list[Place]:
    """Return up to `limit` cases that fit, in their order, after `start`; backwards, those that come before it."""
    found: list[Place] = []
    bands = list(enumerate(listing.bands))
    for number, band in reversed(bands) if backwards else bands:
        if start and (number > start.band if backwards else number < start.band):
            continue
        reading = _Reading(session, listing, number, band.reversed() if backwards else band)
        found += await reading.page(start if start and start.band == number else None, limit - len(found))
        if len(found) >= limit:
            break
    return found[::-1] if backwards else found


@dataclass(frozen=True, slots=True)
class _Reading:
    """One band of a list, as it is read."""

    session: AsyncSession
    listing: Listing
    number: int
    band: Band

    async def page(self, start: Place | None, limit: int) -> list[Place]:
        """Return up to `limit` cases of the band that fit, after `start`."""
        if (few := self.listing.few()) is not None:
            return await self._among(few, start, limit)
        found, end = await self._walk(start, limit)
        if end is None or len(found) >= limit:
            return found
        more: list[Place] = []
        for times in self._times(end):
            if times is None and not self.listing.only_open:  # how few cases have two facets is misjudged by far
                await self.session.execute(text("set local enable_seqscan = off"))
            more = await self._among(self.listing.indexed(self.band, times), end, limit - len(found))
            if len(more) == limit - len(found):
                break
        return found + more

    async def _walk(self, start: Place | None, limit: int) -> tuple[list[Place], Place | None]:
        """Return which of the next cases fit, looking at no more than it has to; if too few, where the walk ended."""
        row = aliased(CaseRow, self.listing.next_in(self.band, start).subquery())
        fitting = once(self._fitting(row, None, limit))
        too_few = select(func.count()).select_from(fitting).scalar_subquery() < limit
        end = select(sa.true(), *_key(row, self.band)).where(too_few).order_by(*_order(row, self.band))
        rows = (await self.session.execute(select(fitting).union_all(end.offset(WALKED - 1).limit(1)))).all()
        ends = [Place(self.number, key, case_id) for is_end, key, case_id in rows if is_end]
        return self._sorted(row for row in rows if not row[0]), ends[0] if ends else None

    async def _among(self, some: SelectBase, start: Place | None, limit: int) -> list[Place]:
        row = aliased(CaseRow, once(some))
        return self._sorted(await self.session.execute(self._fitting(row, start, limit)))

    def _fitting(self, row: type[CaseRow], start: Place | None, limit: int) -> Select[bool, datetime | str, UUID]:
        fits = [*self.listing.fits(row, self.band), *_beyond(row, self.band, start)]
        return select(sa.false(), *_key(row, self.band)).where(*fits).order_by(*_order(row, self.band)).limit(limit)

    def _sorted(self, rows: Iterable[Row[bool, datetime | str, UUID]]) -> list[Place]:
        places = (Place(self.number, key, case_id) for _, key, case_id in rows)
        return sorted(places, key=lambda place: (place.key, place.case_id), reverse=self.band.descending)

    def _times(self, end: Place) -> Iterable[list[str] | None]:
        """Return the times in which to look after `end`, one after the other."""
        if self.listing.only_open or self.band.key != "opened_at" or not isinstance(end.key, datetime):
            return [None]
        return facets.times(facets.day_of(end.key), *self.listing.days, descending=self.band.descending)


def newest(viewer: Viewer) -> ScalarSelect[UUID]:
    """Return the id of a new case that the viewer may see. Ids of later cases are greater."""
    row = aliased(CaseRow, select(*READ).order_by(_CASE.c.case_id.desc()).limit(WALKED).subquery())
    seen = select(row.case_id).where(visible_to(viewer, row, in_list=True))
    return seen.order_by(row.case_id.desc()).limit(1).scalar_subquery()


def walked(viewer: Viewer, listings: Sequence[Listing]) -> ScalarSelect[list[int]]:
    """Return how many cases the one walk of these listings looks at, and how many of them fit each, up to the limit."""
    few = listings[0].few()
    walk = once(listings[0].next_in(listings[0].counted_in) if few is None else few)
    row = aliased(CaseRow, walk)
    columns = (row.team, row.facets, row.opened_at, row.at_risk_at)
    seen = once(select(*columns).where(visible_to(viewer, row, in_list=True)))
    one, looked_at = aliased(CaseRow, seen), select(func.count()).select_from(walk).scalar_subquery()
    asked = [replace(each, among_cases=None).asks(one) for each in listings]  # that, the walk sees to
    fit = [func.least(func.count().filter(*each), MOST_COUNTED + 1) for each in asked]
    return select(array([looked_at, *fit])).select_from(seen).scalar_subquery()


async def count_arrivals(session: AsyncSession, listing: Listing, since: UUID) -> int:
    """Return how many of the newest cases fit and were opened after case `since`, up to a limit."""
    latest = select(*READ).where(_CASE.c.case_id > since).order_by(_CASE.c.case_id.desc()).limit(WALKED)
    return min(await session.scalar(count(listing, latest)) or 0, MOST_COUNTED)


def count(listing: Listing, some: SelectBase) -> Select[int]:
    """Return how many of some cases fit, up to one more than is said."""
    row = aliased(CaseRow, once(some))
    fit = select(row.case_id).where(*listing.fits(row)).limit(MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(fit)


def once(some: SelectBase) -> sa.CTE:
    """Return rows that are read by themselves, so that no plan looks for them in the order of what uses them."""
    return some.cte().prefix_with("materialized")


def _key(row: type[CaseRow], band: Band) -> tuple[ColumnElement[datetime | str], ColumnElement[UUID]]:
    return getattr(row, band.key), row.case_id  # type: ignore[return-value] # mapped attributes are columns in queries


def _order(row: type[CaseRow], band: Band) -> list[ColumnElement[datetime | str] | ColumnElement[UUID]]:
    return [column.desc() if band.descending else column for column in _key(row, band)]


def _beyond(row: type[CaseRow], band: Band, start: Place | None) -> list[ColumnElement[bool]]:
    if start is None:
        return []
    here, there = tuple_(*_key(row, band)), tuple_(start.key, start.case_id)
    return [here < there if band.descending else here > there]


@dataclass(frozen=True, slots=True)
class Listed:
    """A case as a row of a list."""

    case: Case
    platform: str
    happened: tuple[str, ...]
    due_at: datetime | None
    at_risk_at: datetime | None
    assignee: str
    manager: str
    """Who works on it, by name as far as it is known; empty if there is no such person."""
    evidence: int
    """How many pieces the viewer may see."""
    task_overdue: bool

    @property
    def marks(self) -> list[str]:
        """What is special about the case: `reply`, `task_overdue`, `evidence`, `restricted`, `withdrawal`, `review`."""
        case = self.case
        found: dict[str, object] = {"reply": case.replied_at, "task_overdue": self.task_overdue}
        found |= {"evidence": self.evidence, "restricted": case.restricted}
        found |= {"withdrawal": case.withdrawn_at, "review": case.review_asked_at}
        return [name for name, so in found.items() if so]


async def versions(session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the version of each case, in the order of `case_ids`; none of cases that the viewer may not see."""
    query = select(CaseRow.case_id, CaseRow.version).where(_CASE.c.case_id == _any_of(case_ids), visible_to(viewer))
    found = {row.case_id: row.version for row in await session.execute(query)}
    return {case_id: found[case_id] for case_id in case_ids if case_id in found}


async def load(session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID]) -> list[Listed]:
    """Return the rows of cases, in the order of `case_ids`, in one statement; none that the viewer may not see."""
    if not case_ids:
        return []
    query = _rows(viewer).where(CaseRow.case_id == _any_of(case_ids))
    rows = {row[0].case_id: _listed(*row) for row in await session.execute(query)}
    return [rows[case_id] for case_id in case_ids if case_id in rows]


def _rows(viewer: Viewer) -> Select[CaseRow, str | None, str | None, int]:
    assignee, manager = known_person.alias(), known_person.alias()
    return (
        select(CaseRow, assignee.c.name, manager.c.name, evidence_seen(viewer))
        .outerjoin(assignee, assignee.c.staff_id == func.lower(CaseRow.assignee))
        .outerjoin(manager, manager.c.staff_id == func.lower(CaseRow.manager))
        .where(visible_to(viewer))
    )


async def to_hand_over(session: AsyncSession, viewer: Viewer, soon: datetime, limit: int) -> list[list[Listed]]:
    """Return open cases that are urgent, P1 before P2, and others that are due until `soon`: up to `limit` of each.

    Of the same priority, first what is due first; a case whose clock is paused comes after these.
    """
    row, each = CaseRow, []
    for priority in Priority:
        asked = [visible_to(viewer), not_finished(), row.priority == priority]
        one = select(row.priority, row.due_at, row.case_id).where(*asked).order_by(row.due_at, row.case_id).limit(limit)
        each.append(one if priority in URGENT else one.where(row.due_at <= soon))
    found = sorted(await session.execute(union_all(*each)), key=lambda at: (at[1] is None, at[1] or soon, at[2]))
    first = sorted((at for at in found if at[0] in URGENT), key=lambda at: at[0])
    then = (at for at in found if at[0] not in URGENT)
    return [await load(session, viewer, [at[2] for at in some][:limit]) for some in (first, then)]


async def count_to_hand_over(
    session: AsyncSession, teams: Sequence[Team], soon: datetime
) -> dict[Team, tuple[int, int]]:
    """Return how many open cases of each team are urgent, and how many others are due until `soon`, in one statement.

    For emails to a whole team: without restricted cases, and without those kept from someone.
    """
    everyone = (not_finished(), sa.not_(CaseRow.restricted), CaseRow.kept_from == [])
    urgent = CaseRow.priority.in_(URGENT)
    kinds = ((urgent,), (sa.not_(urgent), CaseRow.due_at <= soon))
    each = [select(CaseRow.case_id).where(CaseRow.team == team, *everyone, *kind) for team in teams for kind in kinds]
    counts = [
        select(func.count()).select_from(one.limit(MOST_COUNTED + 1).subquery()).scalar_subquery() for one in each
    ]
    found = list((await session.execute(select(*counts))).one())
    return {team: (found[2 * i], found[2 * i + 1]) for i, team in enumerate(teams)}


async def lately_at_work(session: AsyncSession, viewer: Viewer, since: datetime, limit: int) -> dict[str, str]:
    """Return who else took cases of the viewer's teams since then, by staff number, who did so last first."""
    row, last = Responder, func.max(Responder.last_at)
    asked = row.team.in_(sorted(viewer.teams)), row.last_at > since, row.staff_id != viewer.subject
    some = select(row.staff_id, func.max(row.name)).where(*asked).group_by(row.staff_id).order_by(last.desc())
    return {one: f"{name} ({one})" if name else one for one, name in await session.execute(some.limit(limit))}


def _any_of(case_ids: Collection[UUID]) -> CollectionAggregate[bool]:
    return sa.any_(sa.literal(list(case_ids), sa.ARRAY(sa.Uuid)))


def _listed(row: CaseRow, assignee: str | None, manager: str | None, evidence: int) -> Listed:
    return Listed(
        to_case(row),
        row.platform,
        tuple(row.behaviours),
        row.due_at,
        row.at_risk_at,
        assignee=row.assignee_name or named(assignee, row.assignee),
        manager=named(manager, row.manager),
        evidence=evidence,
        task_overdue=row.task_overdue,
    )


async def part_of(session: AsyncSession, case_id: UUID) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
    """Return the behaviours and the links of its report that a case is about; None: all links."""
    columns = select(CaseRow.behaviours, CaseRow.links).where(CaseRow.case_id == case_id)
    behaviours, links = (await session.execute(columns)).one()
    return tuple(behaviours), None if links is None else tuple(links)


@dataclass(frozen=True, slots=True)
class MergedCase:
    """A case that is merged into another, as a page lists it."""

    case_id: UUID
    reference: str
    state: CaseState
    due_at: datetime | None
    replied_at: datetime | None
    withdrawn_at: datetime | None


async def seen_below(session: AsyncSession, viewer: Viewer, case_id: UUID) -> list[MergedCase]:
    """Return the cases that are merged into this one and that the viewer may see, soonest due first."""
    row, tree = CaseRow, below([case_id])
    columns = (row.case_id, row.reference, row.state, row.due_at, row.replied_at, row.withdrawn_at)
    found = select(*columns).join(tree, tree.c.case_id == row.case_id).where(visible_to(viewer))
    rows = await session.execute(found.order_by(row.due_at.nulls_last(), row.case_id))
    return [_MERGED.validate_python(dict(one)) for one in rows.mappings()]


_MERGED = TypeAdapter(MergedCase)


async def above(session: AsyncSession, case_id: UUID | None) -> list[UUID]:
    """Return this case and those that it is merged into, one after the other."""
    found: list[UUID] = []
    while case_id is not None:
        found.append(case_id)
        case_id = await session.scalar(select(CaseRow.merged_into).where(CaseRow.case_id == case_id))
    return found


async def merged_priorities(session: AsyncSession, case_id: UUID) -> list[Priority]:
    """Return the priorities of the cases that are merged into this one at once."""
    row = CaseRow
    found = select(row.priority).where(row.merged_into == case_id, row.state == CaseState.MERGED)
    return [Priority(one) for one in await session.scalars(found)]


async def mains(session: AsyncSession, case_ids: Collection[UUID]) -> set[UUID]:
    """Return the cases that these are merged into, however high."""
    main = over(case_ids).c.main
    return set(await session.scalars(select(main).where(main.is_not(None))))


async def sizes(session: AsyncSession, case_ids: Collection[UUID]) -> Counter[UUID]:
    """Return how many cases are merged into each of these."""
    return Counter((await session.scalars(select(below(case_ids).c.main))).all())


async def size(session: AsyncSession, case_ids: Collection[UUID]) -> int:
    """Return how many cases are merged into these."""
    return await session.scalar(select(func.count()).select_from(below(case_ids))) or 0


@dataclass(frozen=True, slots=True)
class CountableCase:
    """A case as operations counts it."""

    case_id: UUID
    report_id: UUID
    first: bool
    """Whether it is the report's first case and not a linked one."""
    team: str
    platform: str | None
    behaviours: tuple[str, ...]
    submitted_at: datetime
    opened_at: datetime
    review_asked_at: datetime | None
    finished: bool
    merged: bool
    """Whether it follows another case."""


_COUNTABLE = TypeAdapter(CountableCase)


async def countable(session: AsyncSession, case_ids: Collection[UUID]) -> list[CountableCase]:
    """Return those of the cases that exist, in one statement."""
    row = CaseRow
    finished, merged = row.state.in_(sorted(FINISHED)).label("finished"), row.merged_from.is_not(None).label("merged")
    is_so = ((row.link_number == 1).label("first"), finished, merged)
    about = (row.case_id, row.report_id, row.team, row.platform, row.behaviours)
    times = (row.submitted_at, row.opened_at, row.review_asked_at)
    rows = await session.execute(select(*about, *times, *is_so).where(row.case_id == _any_of(case_ids)))
    return [_COUNTABLE.validate_python(dict(found)) for found in rows.mappings()]


class KeptCase(NamedTuple):
    """A case left out of one person's figures."""

    case_id: UUID
    report_id: UUID
    first: bool


async def cases_kept_from(session: AsyncSession, keys: Collection[str]) -> list[KeptCase]:
    """Return the cases kept from a person with any of `keys`, and all exempt cases, which no one sees (C-j).

    Who an exempt case was about is erased, so if exempt cases were counted, that person would see them counted too.
    """
    some = text("kept_from <> '{}'")  # the same words as in the partial indexes, or PostgreSQL would not use them
    exempt = text("outcome = 'exempt'")
    kept = CaseRow.kept_from.overlap(sa.literal(sorted(keys), sa.ARRAY(Text)))
    columns = select(CaseRow.case_id, CaseRow.report_id, CaseRow.link_number)
    rows = await session.execute(union_all(columns.where(kept, some), columns.where(exempt)))
    return sorted({KeptCase(case_id, report_id, number == 1) for case_id, report_id, number in rows})
