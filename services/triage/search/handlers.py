"""Keeps the documents of cases up to date, erases them, and records who searched."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import changes
from services.triage.cases.access import Viewer
from services.triage.search import queries
from services.triage.search.domain import SEARCHES_KEPT, WEIGHTS, Document, document, quoted, windows_of
from services.triage.search.queries import Made
from services.triage.search.tables import CaseDocument, CaseSearch
from shared.ids import Ids
from shared.messaging.auditor import Step

_WORDS = " || ".join(
    f"setweight(to_tsvector('pg_catalog.english', {part}) || to_tsvector('pg_catalog.simple', {part}), '{weight}')"
    for part, weight in WEIGHTS.items()
)
_COLUMNS = ", ".join(f"cast(:{part} as text[])" for part in WEIGHTS)
_WRITE = text(
    f"insert into case_document (case_id, number, words) select case_id, number, {_WORDS} || marks::tsvector "  # noqa: S608 - own words
    f"from unnest(cast(:case_ids as uuid[]), cast(:numbers as bigint[]), cast(:marks as text[]), {_COLUMNS}) "
    f"as made (case_id, number, marks, {', '.join(WEIGHTS)}) "
    "on conflict (case_id) do update set words = excluded.words where case_document.words <> excluded.words"
)
_MOST_FORGOTTEN = 1_000
FORGOTTEN = Step("search_forgotten", CaseSearch.at + SEARCHES_KEPT, grace=timedelta(hours=3), never_later=CaseSearch.at)
"""Who searched, kept too long, for the auditor."""


async def update_documents(session: AsyncSession, _now: datetime) -> int:
    """Make the documents of cases that changed, a batch at a time; return how many cases were looked at."""
    case_ids = await changes.take(session, changes.Reader.SEARCH)
    if not case_ids:
        return 0
    made = await queries.sources(session, case_ids)
    await _delete(session, set(case_ids) - {one.case_id for one in made})
    await _write(session, made)
    return len(case_ids)


async def forget(session: AsyncSession, case_ids: Collection[UUID]) -> None:
    """Erase the documents of cases at once; what is left of the cases is made into documents again later."""
    await changes.hold(session, changes.Reader.SEARCH)
    await _delete(session, case_ids)


async def note_search(session: AsyncSession, viewer: Viewer, found: int, now: datetime, ids: Ids) -> None:
    """Record that a person searched, without their words."""
    values = {"search_id": ids.uuid(), "at": now, "subject": viewer.subject, "found": found}
    await session.execute(insert(CaseSearch).values(values))


async def forget_searches(session: AsyncSession, now: datetime) -> int:
    """Delete the oldest records of who searched whose time is over; return how many."""
    old = select(CaseSearch.search_id).where(CaseSearch.at < now - SEARCHES_KEPT).order_by(CaseSearch.at)
    some = old.limit(_MOST_FORGOTTEN).with_for_update(skip_locked=True)
    gone = delete(CaseSearch).where(CaseSearch.search_id.in_(some))
    return len((await session.scalars(gone.returning(CaseSearch.search_id))).all())


async def _delete(session: AsyncSession, case_ids: Collection[UUID]) -> None:
    await session.execute(delete(CaseDocument).where(CaseDocument.case_id.in_(case_ids)))


async def _write(session: AsyncSession, made: Sequence[Made]) -> None:
    if not made:
        return
    numbers = await _numbers(session, [one.case_id for one in made])
    documents = []
    for one in made:
        documents.append(document(one.source, (*one.seen_in, *windows_of(numbers[one.case_id]))))
        await asyncio.sleep(0)  # a long one takes milliseconds: requests go on between two
    values: dict[str, list[object]] = {
        "case_ids": [one.case_id for one in made],
        "numbers": [numbers[one.case_id] for one in made],
        "marks": [_as_vector(one) for one in documents],
        **{part.value: [one.words[part] for one in documents] for part in WEIGHTS},
    }
    await session.execute(_WRITE, values)


async def _numbers(session: AsyncSession, case_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the number of each document; new ones get the next, in the order given. Only one process does this."""
    known = select(CaseDocument.case_id, CaseDocument.number).where(CaseDocument.case_id.in_(case_ids))
    numbers = {row.case_id: row.number for row in await session.execute(known)}
    last = await session.scalar(select(func.max(CaseDocument.number))) or 0
    new = (case_id for case_id in case_ids if case_id not in numbers)
    return numbers | {case_id: number for number, case_id in enumerate(new, start=last + 1)}


def _as_vector(made: Document) -> str:
    return " ".join(map(quoted, sorted(made.marks)))
