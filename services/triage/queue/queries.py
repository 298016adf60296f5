"""Reads queues: a filter as what a list asks for, a page of it, and what stands beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.campaigns import queries as campaigns
from services.triage.cases import lists
from services.triage.cases.access import Viewer
from services.triage.cases.lists import Listed, Listing
from services.triage.queue.domain import Cursor, QueueFilter, QueueView
from services.triage.search import domain as search
from services.triage.search import queries as results
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


async def beside(
    session: AsyncSession, viewer: Viewer, queues: Sequence[QueueFilter], now: datetime
) -> tuple[UUID, list[int]]:
    """Return the id of the newest case, and how many cases each queue has, in one statement."""
    asked = [listing(viewer, wanted, now) for wanted in queues]
    return await lists.beside(session, viewer, asked, now.astimezone(UK).date())


async def marks(session: AsyncSession, viewer: Viewer, rows: Sequence[Listed]) -> dict[UUID, dict[str, UUID | None]]:
    """Return what is special about each case of a list, in one statement; of `campaign`, in which one it is."""
    shared = await campaigns.shared_by(session, viewer, [row.case.case_id for row in rows])
    found: dict[UUID, dict[str, UUID | None]] = {row.case.case_id: dict.fromkeys(row.marks) for row in rows}
    for case_id, campaign_id in shared.items():
        found[case_id]["campaign"] = campaign_id
    return found


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), UK)
