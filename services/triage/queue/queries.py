"""Reads queues: a filter as what a list asks for, a page of it, and what stands beside it."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.campaigns import queries as campaigns
from services.triage.cases import lists
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.lists import Listed, Listing
from services.triage.deadlines import queries as deadlines
from services.triage.facets import domain as facets
from services.triage.facets.domain import Place
from services.triage.queue.domain import MOST_VIEWS, Cursor, QueueFilter, QueueView, SavedView, ViewNotFound
from services.triage.queue.tables import SavedViewRow
from services.triage.search import domain as search
from services.triage.search import queries as results
from shared.events.vocabulary import Team
from shared.ids import Reference
from shared.web.times import UK

PAGE_SIZE = 50
_DAY = timedelta(days=1)
Start = Cursor | search.Cursor
"""Where a page begins: in the order of a queue, or among what a search ranks."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a queue, and where the pages beside it begin."""

    case_ids: list[UUID]
    earlier: Cursor | None
    later: Start | None
    matched: Mapping[UUID, Sequence[search.Part]] = field(default_factory=dict)
    """In which parts of each case the words were found that are searched for."""
    total: int = 0
    """How many cases a search found, up to the number that is ranked."""
    older: bool = False
    """Whether there may be older ones besides."""
    by_date: bool = False
    """Whether these are the older ones."""


def listing(viewer: Viewer, wanted: QueueFilter, now: datetime, report_id: UUID | None = None) -> Listing:
    """Return what a queue asks for, apart from words that are searched for."""
    return Listing(
        viewer=viewer,
        bands=wanted.bands,
        facets=wanted.facets(viewer.subject),
        only_open=wanted.only_open,
        team=wanted.team,
        at_risk_by=now if wanted.view is QueueView.AT_RISK else None,
        opened_from=_begins(wanted.since) if wanted.since else None,
        opened_before=_begins(wanted.until + _DAY) if wanted.until else None,
        among_cases=campaigns.cases_in(viewer, wanted.campaign) if wanted.campaign else None,
        report_id=report_id,
        reference=Reference.start(wanted.q),
    )


def read_cursor(text: str, wanted: QueueFilter) -> Start | None:
    """Read a cursor of a queue; None if it is none, or belongs to another order."""
    return search.Cursor.read(text) if wanted.ranked else Cursor.read(text, wanted)


async def page(
    session: AsyncSession,
    asked: Listing,
    wanted: QueueFilter,
    cursor: Start | None,
    limit: int = PAGE_SIZE,
) -> Page:
    """Return a page of a queue, from `cursor` on.

    Where words are searched for and another order is wanted, the newest cases that match are brought into it.
    """
    if not wanted.q or asked.reference:
        return await _in_order(session, asked, wanted, cursor, limit)
    sought = search.Sought.read(wanted.q)
    if wanted.ranked:
        start = cursor if isinstance(cursor, search.Cursor) else None
        found = await results.page(session, asked.viewer, sought, asked.conditions, cursor=start, limit=limit)
        parts = {hit.case_id: hit.matched for hit in found.hits}
        return Page(list(parts), None, found.next_cursor, parts, found.total, found.more, found.by_date)
    newest = await results.newest(session, asked.viewer, sought, asked.conditions)
    ordered = await _in_order(session, replace(asked, among=newest.case_ids), wanted, cursor, limit)
    parts = {hit.case_id: hit.matched for hit in await results.matched(session, sought, ordered.case_ids)}
    return replace(ordered, matched=parts, total=len(newest.case_ids), older=newest.below is not None)


async def _in_order(
    session: AsyncSession, asked: Listing, wanted: QueueFilter, cursor: Start | None, limit: int
) -> Page:
    cursor = cursor if isinstance(cursor, Cursor) else None
    backwards = bool(cursor and cursor.backwards)
    found = await lists.find(session, asked, limit + 1, cursor.place if cursor else None, backwards=backwards)
    more = len(found) > limit
    shown = found[-limit:] if backwards else found[:limit]
    earlier = shown and (more if backwards else cursor is not None)
    later = shown and (more or backwards)
    return Page(
        [place.case_id for place in shown],
        Cursor(wanted.order, shown[0], backwards=True) if earlier else None,
        Cursor(wanted.order, shown[-1]) if later else None,
    )


async def following(session: AsyncSession, asked: Listing, wanted: QueueFilter, case: Case) -> UUID | None:
    """Return the open case after `case`, in the order of a queue, that no one else has; after the last, the first."""
    free = [
        replace(asked, only_open=True, facets=asked.facets | {facets.OPEN, facets.held_by(who)})
        for who in (None, asked.viewer.subject)
    ]
    if wanted.q and not asked.reference:
        sought = search.Sought.read(wanted.q)
        found = [(await results.newest(session, asked.viewer, sought, one.conditions)).case_ids for one in free]
        if wanted.ranked:
            best = await results.ranked(session, sought, {case.case_id, *found[0], *found[1]})
            here = best.index(case.case_id) if case.case_id in best else 0
            return next((one for one in best[here:] + best[:here] if one != case.case_id), None)
        free = [replace(one, among=among) for one, among in zip(free, found, strict=True)]
    [clocks] = (await deadlines.of_cases(session, [case.case_id])).values()
    starts = [*wanted.places(case, min((one.due_at for one in clocks), default=None)), None]
    for start, further in pairwise([*starts, None]):
        first = _first(wanted, [place for one in free for place in await lists.find(session, one, 1, start)])
        if first and not (further and first.band >= further.band):
            return first.case_id
    return None


def _first(wanted: QueueFilter, places: Sequence[Place]) -> Place | None:
    band = min((place.band for place in places), default=0)
    within = [place for place in places if place.band == band]
    descending = wanted.bands[band].descending
    return next(iter(sorted(within, key=lambda place: (place.key, place.case_id), reverse=descending)), None)


async def beside(
    session: AsyncSession, viewer: Viewer, queues: Sequence[QueueFilter], now: datetime
) -> tuple[UUID, list[int]]:
    """Return the id of a new case that the viewer may see, and how many cases each queue has.

    Counts go up to one more than is said. Ids of later cases are greater. It takes one statement, in which queues that
    look at the same cases share one walk; and one more if one has few cases among very many.
    """
    asked = [listing(viewer, wanted, now) for wanted in queues]
    few = [wanted.campaign or one.reference for wanted, one in zip(queues, asked, strict=True)]
    rare, walks = list[int](), dict[Hashable, list[int]]()
    for number, one in enumerate(asked):
        if not few[number] and facets.are_rare(one.facets):
            rare.append(number)
        else:
            walks.setdefault(few[number] or one.walk, []).append(number)
    columns: list[ColumnElement[Any]] = [lists.newest(viewer), *(_by_index(asked[number]) for number in rare)]
    walked = [lists.walked(viewer, [asked[number] for number in numbers]) for numbers in walks.values()]
    newest, *counts = (await session.execute(select(*columns, *walked))).one()
    found, missing = dict(zip(rare, counts, strict=False)), list[int]()
    for numbers, (looked_at, *fit) in zip(walks.values(), counts[len(rare) :], strict=True):
        found |= dict(zip(numbers, fit, strict=True))
        is_part = looked_at == lists.WALKED and not few[numbers[0]]
        missing += [number for number in numbers if is_part and found[number] <= lists.MOST_COUNTED]
    if missing:
        steps = [_by_index(asked[number], now.astimezone(UK).date()) for number in missing]
        found |= dict(zip(missing, (await session.execute(select(*steps))).one(), strict=True))
    return newest or lists.NO_CASE_YET, [found[number] for number in range(len(asked))]


def _by_index(asked: Listing, today: date | None = None) -> ColumnElement[int]:
    """Return how many cases fit by the index: of all, or in longer and longer times until that is enough.

    The times end today, or with the last day that is asked for.
    """
    day = min(today, asked.days[1] or today) if today else None
    times = list(facets.times(day, *asked.days, descending=True)) if day and not asked.only_open else [None]
    *steps, last = (lists.count(asked, asked.indexed(None, some)) for some in times)
    enough = [step.having(func.count() > lists.MOST_COUNTED).scalar_subquery() for step in steps]
    return func.coalesce(*enough, last.scalar_subquery())


async def marks(session: AsyncSession, viewer: Viewer, rows: Sequence[Listed]) -> dict[UUID, dict[str, UUID | None]]:
    """Return what is special about each case of a list, in one statement; of `campaign`, in which one it is."""
    shared = await campaigns.shared_by(session, viewer, [row.case.case_id for row in rows])
    found: dict[UUID, dict[str, UUID | None]] = {row.case.case_id: dict.fromkeys(row.marks) for row in rows}
    for case_id, campaign_id in shared.items():
        found[case_id]["campaign"] = campaign_id
    return found


_VIEWS = TypeAdapter(list[SavedView])


def views_of(team: Team | None, owner: str) -> Select[UUID]:
    """Return the ids of a team's views; without a team, of a person's own."""
    row = SavedViewRow
    return select(row.view_id).where(row.team == team if team else and_(row.team.is_(None), row.owner == owner))


async def saved_views(session: AsyncSession, viewer: Viewer) -> list[SavedView]:
    """Return a person's own views, by name, and then those of their teams."""
    row = SavedViewRow.table()
    theirs = or_(and_(row.c.team.is_(None), row.c.owner == viewer.subject), row.c.team.in_(sorted(viewer.teams)))
    found = select(row).where(theirs).order_by(row.c.team.nulls_first(), row.c.name, row.c.view_id)
    rows = await session.execute(found.limit(MOST_VIEWS * (1 + len(viewer.teams))))
    return _VIEWS.validate_python([dict(one) for one in rows.mappings()])


async def view(session: AsyncSession, viewer: Viewer, view_id: UUID) -> SavedView:
    """Return a view that is for a person, and lock it for a change.

    Raises:
        ViewNotFound: there is none.
    """
    found = next((one for one in await saved_views(session, viewer) if one.view_id == view_id), None)
    locked = select(SavedViewRow.version).where(SavedViewRow.view_id == view_id).with_for_update()
    version = await session.scalar(locked) if found else None
    if found is None or version is None:
        raise ViewNotFound
    return replace(found, version=version)


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), UK)
