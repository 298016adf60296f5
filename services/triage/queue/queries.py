"""Reads queues: a filter as what a list asks for, a page of it, and what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists
from services.triage.cases.access import Viewer
from services.triage.cases.lists import Listing
from services.triage.queue import domain
from services.triage.queue.domain import Cursor, QueueFilter, QueueView
from shared.ids import Reference
from shared.web.times import UK

PAGE_SIZE = 50
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a queue, and where the pages beside it begin."""

    case_ids: list[UUID]
    earlier: Cursor | None
    later: Cursor | None


def listing(viewer: Viewer, wanted: QueueFilter, now: datetime, report_id: UUID | None = None) -> Listing:
    """Return what a queue asks for."""
    start = Reference.start(wanted.q)
    word = "" if start else wanted.q.lower().replace(" ", "_")
    return Listing(
        viewer=viewer,
        bands=wanted.bands,
        facets=wanted.facets(viewer.subject),
        either=(word, f"platform:{word}") if word else (),
        only_open=wanted.only_open,
        team=wanted.team,
        at_risk_by=now if wanted.view is QueueView.AT_RISK else None,
        opened_from=_begins(wanted.since) if wanted.since else None,
        opened_before=_begins(wanted.until + _DAY) if wanted.until else None,
        report_id=report_id,
        reference=start,
    )


async def page(
    session: AsyncSession, asked: Listing, wanted: QueueFilter, cursor: Cursor | None, limit: int = PAGE_SIZE
) -> Page:
    """Return a page of a queue, from `cursor` on."""
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


async def chosen(
    session: AsyncSession, viewer: Viewer, wanted: QueueFilter, now: datetime, limit: int
) -> dict[UUID, int]:
    """Return the first cases of a queue, up to `limit`, each with its version."""
    found = await page(session, listing(viewer, wanted, now), wanted, None, limit)
    return await lists.versions(session, viewer, found.case_ids)


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues that cases are opened from, for the pages of cases (`cases.dependencies.Queues`)."""

    def address(self, opened_from: str) -> str:
        """Return the address of a queue, at the page from which a case was opened."""
        wanted, cursor = domain.opened_from(opened_from)
        return wanted.url(cursor)

    async def following(
        self, session: AsyncSession, viewer: Viewer, opened_from: str, case_id: UUID, now: datetime
    ) -> str | None:
        """Return the first case of the page from which `case_id` was opened, or of the queue, that no one else has."""
        wanted, cursor = domain.opened_from(opened_from)
        asked = listing(viewer, wanted, now)
        for start in dict.fromkeys((Cursor.read(cursor, wanted), None)):
            found = await page(session, asked, wanted, start)
            for row in await lists.load(session, viewer, found.case_ids):
                if row.case.case_id != case_id and row.case.assignee in {None, viewer.subject}:
                    return row.case.reference
        return None


async def beside(
    session: AsyncSession, viewer: Viewer, queues: Sequence[QueueFilter], now: datetime
) -> tuple[UUID, list[int]]:
    """Return the id of the newest case, and how many cases each queue has, in one statement."""
    asked = [listing(viewer, wanted, now) for wanted in queues]
    return await lists.beside(session, viewer, asked, now.astimezone(UK).date())


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), UK)
