"""Looks through queues for what is shown, chosen or done next, and records that a person searched."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.queue import domain, queries
from services.triage.queue.domain import QueueFilter
from services.triage.queue.queries import PAGE_SIZE, Page, Start
from services.triage.search.handlers import note_search
from shared.ids import Ids


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
        """Return the address of a queue, at the page from which a case was opened."""
        wanted, cursor = domain.opened_from(opened_from)
        return wanted.url(cursor)

    async def following(self, work: Work, opened_from: str, case_id: UUID) -> Case | None:
        """Return the first case of the page from which `case_id` was opened, or of the queue, that no one else has."""
        wanted, cursor = domain.opened_from(opened_from)
        viewer = work.viewer
        for start in dict.fromkeys((queries.read_cursor(cursor, wanted), None)):
            found = await _look(work, wanted, start)
            for row in await lists.load(work.session, viewer, found.case_ids):
                if row.case.case_id != case_id and row.case.assignee in {None, viewer.subject}:
                    return row.case
        return None
