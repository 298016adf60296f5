"""What can be found follows what is written, and what is erased is gone at once."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from services.triage.cases import queries as cases
from services.triage.search import domain, handlers, queries
from services.triage.search.domain import Cursor, Sought
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.vocabulary import Team
from tests.services.triage.builders import NOW, misuse, open_cases, report, viewer
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.search.sought import search, swept
from tests.support.eventually import eventually

SERVICE = "triage"
SAM = viewer(Team.SMART)
CANARY = "canaryoftheunion"
LOCKS = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")


async def documents(database: Database) -> str:
    async with database.transaction() as session:
        return await session.scalar(text("select string_agg(words::text, ' ') from case_document")) or ""


@pytest.mark.policy("C-j")
async def test_an_exempt_case_is_erased_from_the_search_at_once(triage: Triage) -> None:
    told = misuse(
        union_activity="unsure",
        subject={"name": CANARY, "staff_id": CANARY, "handle": CANARY},
        narrative=CANARY,
        urls=(f"https://facebook.com/{CANARY}",),
        handles=(CANARY,),
    )
    await open_cases(triage.database, told)
    async with triage.client(Role.TRIAGE_DESK, subject="S6001") as desk:
        page = f"/cases/{told.reference}"
        await press(desk, page, f"{page}/claim")
        await press(desk, page, f"{page}/note", text=f"I know {CANARY}")
        await swept(triage.database)
        assert CANARY in await documents(triage.database)
        assert (await press(desk, page, f"{page}/exempt")).status_code == 303
    assert CANARY not in await documents(triage.database)
    await swept(triage.database)
    assert await documents(triage.database) == ""


async def test_what_is_erased_while_a_document_is_made_does_not_come_back(database: Database) -> None:
    await open_cases(database, report(narrative=CANARY))
    async with database.transaction() as session:
        case_ids = list(await session.scalars(text('select case_id from "case"')))
        await handlers.update_documents(session, NOW)
        erasing = asyncio.create_task(_erase(database, case_ids))
        await eventually(lambda: _waits(database))
    await erasing
    assert CANARY not in await documents(database)


async def test_who_has_locked_a_case_does_not_stop_what_is_derived_from_it(database: Database) -> None:
    """An erasure locks its cases first, and waits for the sweep then: the sweep must not wait for it."""
    told = report(narrative=CANARY)
    await open_cases(database, told)
    async with database.transaction() as erasing:
        [locked] = await cases.lock_reports(erasing, [told.report_id])
        await cases.lock(erasing, SAM, locked.case.case_id)
        async with database.transaction() as session:
            await session.execute(text("set local lock_timeout = '2s'"))
            assert await handlers.update_documents(session, NOW) == 1
        assert CANARY in await documents(database)
        await handlers.forget(erasing, [locked.case.case_id])
    assert CANARY not in await documents(database)


async def _erase(database: Database, case_ids: list[UUID]) -> None:
    async with database.transaction() as session:
        await handlers.forget(session, case_ids)


async def _waits(database: Database) -> bool | None:
    async with database.transaction() as session:
        return await session.scalar(LOCKS) > 0 or None


async def test_a_case_with_more_words_than_a_document_takes_is_found_by_its_first(database: Database) -> None:
    rare = " ".join(f"{chr(0x20000 + n)}{chr(0x20001 + n * 7 % 40_000)}{n}" for n in range(30_000))
    told = report(narrative="They wrote to me.")
    await open_cases(database, told)
    async with database.transaction() as session:
        await session.execute(text("update report set narrative = :told"), {"told": f"beginning {rare}"})
        await session.execute(
            text(
                "insert into note (note_id, case_id, at, author, shared, text) select gen_random_uuid(), case_id, "
                "now() + n * interval '1 s', 'S4001', n % 2 = 0, 'note' || n || ' ' || :rare "
                'from "case", generate_series(1, 6) n'
            ),
            {"rare": rare},
        )
    await swept(database)
    for typed, times in (("beginning", 1), ("note6", 1), ("note5", 1), ("note1", 0)):
        assert len(await search(database, typed, SAM)) == times, typed


async def test_results_go_on_with_older_ones_and_none_is_left_out_or_comes_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With windows and limits so small that forty cases are as ten million."""
    monkeypatch.setattr(domain, "_SMALLEST", 0)
    monkeypatch.setattr(queries, "NEWEST", 7)
    monkeypatch.setattr(queries, "MOST_LOOKED_AT", 9)
    told = [
        report(narrative=f"every {'third' if n % 3 == 0 else 'fourth'} {'hapax' if n == 1 else 'usual'}")
        for n in range(40)
    ]
    for one in told:
        await open_cases(database, one)
    await swept(database)
    for typed, number in (("every", 40), ("third", 14), ("hapax", 1), ("never", 0)):
        found = [case_id for page in await _all_pages(database, typed) for case_id in page]
        assert len(found) == len(set(found)) == number, typed
        assert found == sorted(found, reverse=True), typed  # all rank the same, so that the newest come first


async def _all_pages(database: Database, typed: str) -> list[list[UUID]]:
    pages, cursor = [], None
    async with database.transaction() as session:
        while True:
            found = await queries.page(session, SAM, Sought.read(typed), cursor=cursor, limit=4)
            pages.append([hit.case_id for hit in found.hits])
            if found.next_cursor is None:
                return pages
            cursor = Cursor.read(str(found.next_cursor))
            assert cursor == found.next_cursor
