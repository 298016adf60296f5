"""Looks through queues for what is shown, chosen or done next, records who searched, and keeps people's views."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists
from services.triage.cases import queries as cases
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.queue import domain, queries
from services.triage.queue.domain import NotYourView, QueueFilter, SavedView, ViewChanged
from services.triage.queue.queries import PAGE_SIZE, Page, Start
from services.triage.queue.tables import SavedViewRow
from services.triage.search.handlers import note_search
from shared.events.vocabulary import Team
from shared.ids import Ids
from shared.messaging.auditor import Step

_MOST_FORGOTTEN = 1_000
FORGOTTEN = Step(
    "view_forgotten",
    SavedViewRow.saved_at + domain.VIEWS_KEPT,
    grace=timedelta(hours=3),
    never_later=SavedViewRow.saved_at,
)
"""Saved views of which the time is over, for the auditor."""


async def look(
    session: AsyncSession,
    asked: lists.Listing,
    wanted: QueueFilter,
    start: Start | None,
    now: datetime,
    ids: Ids,
    limit: int = PAGE_SIZE,
) -> Page:
    """Return a page of a queue, as `queries.page` does. Each page of a search is recorded, without its words.

    What a cursor says does not count: anyone can write one.
    """
    found = await queries.page(session, asked, wanted, start, limit)
    if wanted.q:
        await note_search(session, asked.viewer, found.total or len(found.case_ids), now, ids)
    return found


async def _look(work: Work, wanted: QueueFilter, start: Start | None = None, limit: int = PAGE_SIZE) -> Page:
    asked = queries.listing(work.viewer, wanted, work.now)
    return await look(work.session, asked, wanted, start, work.now, work.writer.ids, limit)


async def choose(work: Work, wanted: QueueFilter, most: int) -> tuple[dict[UUID, int], bool]:
    """Return the first cases of a queue, up to `most`, each with its version, and whether it may have more."""
    found = await _look(work, wanted, limit=most + 1)
    chosen = await lists.versions(work.session, work.viewer, found.case_ids[:most])
    return chosen, found.older or len(found.case_ids) > most


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues that cases are opened from, for the pages of cases (`cases.dependencies.Queues`)."""

    def address(self, opened_from: str) -> str:
        """Return the address of a queue, or of another list, at the page from which a case was opened."""
        wanted, cursor = domain.opened_from(opened_from)
        return domain.other_list(opened_from) or wanted.url(cursor)

    async def following(self, work: Work, opened_from: str, case: Case) -> Case | None:
        """Return the open case after `case` in its queue, or from its start, that no one else has.

        None from another list: the person goes back to it.
        """
        if domain.other_list(opened_from):
            return None
        wanted, _ = domain.opened_from(opened_from)
        asked = queries.listing(work.viewer, wanted, work.now)
        case_id = await queries.following(work.session, asked, wanted, case)
        if wanted.q:
            await note_search(work.session, work.viewer, 1 if case_id else 0, work.now, work.writer.ids)
        return await cases.get(work.session, work.viewer, case_id) if case_id else None


async def save_view(work: Work, name: str, wanted: QueueFilter, team: Team | None) -> SavedView:
    """Keep a queue as a view of one's own, or, for a lead, of a team.

    Raises:
        NotYourView, SearchIsOwn, TooManyViews: it may not be kept.
    """
    view_id, me = work.writer.ids.uuid(), work.viewer.subject
    view = SavedView(view_id, 1, me, team, name, wanted.query(), work.now)
    beside = queries.views_of(team, me).limit(domain.MOST_VIEWS)
    kept = await work.session.scalar(select(func.count()).select_from(beside.subquery()))
    domain.require_may_save(view, work.viewer.leads, kept or 0)
    await work.session.execute(insert(SavedViewRow), [asdict(view)])
    return view


async def rename_view(work: Work, view_id: UUID, read: int, name: str) -> SavedView:
    """Give a view another name, which keeps it for another year.

    Raises:
        ViewNotFound, NotYourView, ViewChanged: it is not theirs to change, or not as it was read.
    """
    view = replace(await _mine(work, view_id, read), name=name, version=read + 1, saved_at=work.now)
    values = {"name": view.name, "version": view.version, "saved_at": view.saved_at}
    await work.session.execute(update(SavedViewRow).where(SavedViewRow.view_id == view_id).values(values))
    return view


async def delete_view(work: Work, view_id: UUID, read: int) -> None:
    """Delete a view.

    Raises:
        ViewNotFound, NotYourView, ViewChanged: it is not theirs to delete, or not as it was read.
    """
    await _mine(work, view_id, read)
    await work.session.execute(delete(SavedViewRow).where(SavedViewRow.view_id == view_id))


async def forget_views(session: AsyncSession, now: datetime) -> int:
    """Delete the oldest views whose time is over; return how many."""
    row = SavedViewRow
    old = select(row.view_id).where(row.saved_at < now - domain.VIEWS_KEPT).order_by(row.saved_at)
    some = old.limit(_MOST_FORGOTTEN).with_for_update(skip_locked=True)
    return len((await session.scalars(delete(row).where(row.view_id.in_(some)).returning(row.view_id))).all())


async def _mine(work: Work, view_id: UUID, read: int) -> SavedView:
    view = await queries.view(work.session, work.viewer, view_id)
    if view.team and view.team not in work.viewer.leads:
        raise NotYourView
    if view.version != read:
        raise ViewChanged
    return view
