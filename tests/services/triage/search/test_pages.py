"""Searching on the pages and by the API: the box, what is found and where, pages of it, and what is recorded."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import event, text

from services.triage.search.handlers import forget_searches
from shared.auth.permissions import Role
from tests.services.triage.builders import misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.search.sought import swept

BOX = '<form class="signpost-search'
API = "/cases/api/v1/cases"
RECORDED = text("select subject, found, search_id::text || at::text as rest from case_search order by at, search_id")


async def recorded(triage: Triage) -> list[tuple[str, int]]:
    async with triage.database.transaction() as session:
        return [(row.subject, row.found) for row in await session.execute(RECORDED)]


async def answer(triage: Triage, query: str) -> dict[str, Any]:
    async with triage.client() as script:
        got = await script.get(f"{API}?{query}", headers=triage.bearer(Role.SMART_RESPONDER))
    assert got.status_code == 200, got.text
    body: dict[str, Any] = got.json()
    return body


async def test_a_search_shows_what_matches_where_it_matched_and_is_recorded_without_its_words(
    triage: Triage, sam: AsyncClient
) -> None:
    told = report(narrative="They threaten my dog Bonzo.", handles=("@bonzo_hater",))
    await open_cases(triage.database, told, report(narrative="Nothing of the kind."))
    await swept(triage.database)
    page = (await sam.get("/cases?q=bonzo")).text
    assert page.count('class="govuk-link signpost-reference"') == 1
    assert told.reference in page
    assert "In report, accounts" in page
    assert "1 case matches." in page
    assert "They threaten" not in page
    assert 'value="bonzo"' in page
    nothing = (await sam.get("/cases?q=sausages")).text
    assert "No case matches" in nothing
    assert await recorded(triage) == [("S4001", 1), ("S4001", 0)]
    assert 'href="/cases?q=bonzo">Best matches first' in (await sam.get("/cases?q=bonzo&sort=due")).text
    async with triage.database.transaction() as session:
        for table in ("case_search", "activity"):
            rows = await session.scalar(text(f"select string_agg(t::text, ' ') from {table} t"))  # noqa: S608 - own tables
            assert "sausages" not in (rows or "")


async def test_a_reference_leads_straight_to_a_case_that_the_viewer_may_see(triage: Triage, sam: AsyncClient) -> None:
    mine, other = report(), misuse()
    await open_cases(triage.database, mine, other)
    typed = mine.reference.lower().replace("-", " ")
    straight = await sam.get("/cases", params={"q": typed})
    assert (straight.status_code, straight.headers["location"]) == (303, f"/cases/{mine.reference}")
    for hidden in (other.reference, "SP-0000-0000"):
        page = await sam.get("/cases", params={"q": hidden})
        assert (page.status_code, "No case matches" in page.text) == (200, True)
    assert await recorded(triage) == [("S4001", 1), ("S4001", 0), ("S4001", 0)]


async def test_the_box_is_on_every_page_of_casework_and_on_no_other(triage: Triage, aisha: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    for page in ("/cases", f"/cases/{told.reference}", f"/cases/{told.reference}/evidence", "/cases/rules"):
        assert BOX in (await aisha.get(page)).text, page
    async with triage.client(Role.OPERATIONS, subject="S8001") as operations:
        assert BOX not in (await operations.get("/cases/rules")).text


async def test_scripts_search_with_the_filters_and_orders_of_lists(triage: Triage) -> None:
    told = [report(platform="x" if n % 2 else "facebook", narrative=f"planted number{n}") for n in range(5)]
    await open_cases(triage.database, *told)
    await swept(triage.database)

    async def found(query: str) -> list[str]:
        return [item["reference"] for item in (await answer(triage, query))["items"]]

    newest = [one.reference for one in reversed(told)]
    first = await answer(triage, "q=planted&limit=2")
    assert [item["matched"] for item in first["items"]] == [["report"]] * 2
    following = f"q=planted&limit=3&cursor={first['next_cursor']}"
    both = [item["reference"] for item in first["items"]] + await found(following)
    assert sorted(both) == sorted(newest)
    assert await found("q=planted&platform=x") == newest[1::2]
    assert await found("q=planted&sort=oldest") == newest[::-1]
    assert await found("q=planted&sort=due&limit=2") == newest[:-3:-1]
    assert await found("q=planted&view=finished") == await found("q=planted+number9") == []
    assert len(await recorded(triage)) == 7
    async with triage.client() as script:
        bearer = triage.bearer(Role.SMART_RESPONDER)
        for cursor in ("x", "1.x", "9.99999"):
            refused = await script.get(f"{API}?q=planted&cursor={cursor}", headers=bearer)
            assert refused.status_code == 422, cursor


async def test_a_search_is_recorded_whatever_its_cursor_says_and_wherever_it_is_done(
    triage: Triage, sam: AsyncClient
) -> None:
    told = [report(narrative="planted") for _ in range(2)]
    await open_cases(triage.database, *told)
    await swept(triage.database)
    for cursor in ("999999999999999999.", "999999999999999999.0"):
        await answer(triage, f"q=planted&cursor={cursor}")
        assert told[0].reference in (await sam.get(f"/cases?q=planted&cursor={cursor}")).text
    assert await recorded(triage) == [("S4001", 2)] * 4
    await press(sam, "/cases", "/cases/bulk", action="claim", whole="yes", view="q=planted")
    assert await recorded(triage) == [("S4001", 2)] * 5
    case = f"/cases/{told[0].reference}"
    await press(sam, case, f"{case}/claim")
    onwards = {"outcome": "support_given", "next": "yes"}
    done = await press(sam, case, f"{case}/resolve?from=q%3Dplanted", **onwards)
    assert done.headers["location"].startswith(f"/cases/{told[1].reference}?")
    assert await recorded(triage) == [*[("S4001", 2)] * 5, ("S4001", 1)]  # the next has to be open


async def test_who_searched_is_forgotten_when_the_privacy_page_says(triage: Triage) -> None:
    await answer(triage, "q=planted")
    now = triage.clock.now()
    async with triage.database.transaction() as session:
        assert await forget_searches(session, now + timedelta(days=365)) == 0
        assert await forget_searches(session, now + timedelta(days=365, minutes=1)) == 1
    assert await recorded(triage) == []


async def test_a_search_among_the_cases_of_one_report_finds_no_other(triage: Triage) -> None:
    one, other = report(narrative="so planted"), report(narrative="so planted")
    await open_cases(triage.database, one, other)
    await swept(triage.database)
    for typed in ("planted", "planted&sort=oldest", one.reference, one.reference[:6]):
        found = await answer(triage, f"report_id={one.report_id}&q={typed}")
        assert [item["reference"] for item in found["items"]] == [one.reference], typed
    assert (await answer(triage, f"report_id={one.report_id}&q={other.reference}"))["items"] == []


@pytest.mark.parametrize("typed", ["planted", "absent", '"so planted"', "x.com/a @b planted"])
async def test_a_search_takes_a_bounded_number_of_statements(triage: Triage, sam: AsyncClient, typed: str) -> None:
    await open_cases(triage.database, *(report(narrative="so planted") for _ in range(5)))
    await swept(triage.database)
    statements: list[str] = []
    event.listen(triage.database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await sam.get("/cases", params={"q": typed})
    assert len(statements) <= 11  # three of them are for what stands beside every queue
