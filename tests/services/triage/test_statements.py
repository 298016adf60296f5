"""Each page of casework reads with a few statements, however many cases, reports and steps there are.

`MOST` has about three more than each page takes, so that a page that begins to read case by case does not pass.
"""

from collections.abc import Mapping

from httpx import AsyncClient
from sqlalchemy import event, text

from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.bulk.test_pages import choose, do, ticked
from tests.services.triage.buttons import form_token
from tests.services.triage.conftest import Triage
from tests.services.triage.outcome_reviews.test_reviews import request, resolved
from tests.services.triage.whole.test_whole import POST, worked

SERVICE = "triage"
MOST: Mapping[str, int] = {
    "/cases": 12,
    "/cases?view=finished": 12,
    "/cases?platform=x": 12,
    "/cases?q=building": 13,
    "/cases?campaign={campaign}": 12,
    "/cases/views": 5,
    "/cases/{reference}": 12,
    "/cases/{reference}/conversation": 15,
    "/cases/{reference}/evidence": 11,
    "/cases/{reference}/related": 18,
    "/cases/{reference}/takedowns": 11,
    "/cases/{reference}/tasks": 12,
    "/cases/{reference}/people-told": 10,
    "/cases/{reference}/timeline": 9,
    "/cases/{reference}/routing": 9,
    "/cases/{reference}/audit": 9,
    "/cases/{reference}/merge": 12,
    "/cases/{reference}/assign": 15,
    "/cases/{reference}/step-back": 5,
    "/cases/{reviewed}/review": 11,
    "/cases/tasks": 12,
    "/cases/repeat": 6,
    "/cases/campaigns": 7,
    "/cases/campaigns/{campaign}": 12,
    "/cases/bulk": 5,
    "/cases/bulk/{preview}": 6,
    "/cases/bulk/{results}": 6,
    "/cases/second-reviews": 9,
    "/cases/second-reviews/{review}": 11,
    "/cases/shift": 7,
    "/cases/wellbeing": 13,
    "/cases/templates": 4,
    "/cases/api/v1/cases": 8,
    "/cases/api/v1/cases/{case}": 27,
    "/cases/api/v1/campaigns": 7,
    "/cases/api/v1/campaigns/{campaign}": 8,
    "/cases/api/v1/cases/{case}/conversation": 8,
    "/cases/api/v1/cases/{case}/evidence": 6,
    "/cases/api/v1/cases/{case}/takedowns": 6,
    "/cases/api/v1/cases/{case}/tasks": 8,
    "/cases/api/v1/second-reviews": 5,
    "/cases/api/v1/saved-views": 4,
    "/cases/api/v1/bulk/{bulk}": 5,
    "POST /cases/{reference}/show": 19,
    "POST /cases/{reference}/takedowns/show": 17,
    "POST /cases/campaigns/{campaign}/show": 20,
    "POST /cases/second-reviews/{review}/show": 17,
}
REVIEWS = """insert into second_review (review_id, case_id, resolution, team, outcome, why, chosen_at, resolved_by)
select case_id, case_id, 1, team, 'support_given', 'sample', opened_at, 'S9001' from "case" on conflict do nothing"""
"""A second review of each case, with the case's own id."""


async def counted(triage: Triage, client: AsyncClient, places: Mapping[str, str]) -> dict[str, int]:
    """Return how many statements each page takes when it is read again: the first time, that may be recorded."""
    statements: list[str] = []
    event.listen(
        triage.database.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    token, found = await form_token(client), {}
    for shows in (address.removeprefix("POST ").format(**places) for address in MOST if address.startswith("POST ")):
        assert (await client.post(shows, data={"csrftoken": token})).status_code == 200, shows
    for address in MOST:
        asked = address.format(**places)
        for _ in range(2):
            statements.clear()
            shows = asked.removeprefix("POST ")
            answer = await (client.get(asked) if shows == asked else client.post(shows, data={"csrftoken": token}))
            assert answer.status_code == 200, (address, answer.text)
        found[address] = len(statements)
    return found


async def grown(triage: Triage, script: AsyncClient, views: int) -> None:
    """Let each case have a second review, and keep so many more views."""
    triage.by_hand.add("second_review")
    async with triage.database.transaction() as session:
        await session.execute(text(REVIEWS))
    for number in range(views):
        kept = await script.post("/cases/api/v1/saved-views", json={"name": f"{views} {number}", "query": ""})
        assert kept.status_code == 201, kept.text


async def test_a_page_takes_as_many_statements_for_much_as_for_little(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report(urls=(POST,))
    reviewed = report()
    page = await resolved(triage, sam, reviewed)
    await request(triage, reviewed)
    await open_cases(triage.database, told, report(urls=(POST,)))
    places = {"reference": told.reference, "reviewed": page.rpartition("/")[2]}
    counts = []
    async with triage.client() as script:
        script.headers.update(triage.bearer(Role.SMART_LEAD, subject="S4002"))
        for times in (1, 4):
            where = await worked(triage, script, told, times)
            async with triage.database.transaction() as session:
                campaign = await session.scalar(text("select campaign_id from campaign"))
            await grown(triage, script, times)
            chosen = await ticked(triage)
            preview, results = await choose(aisha, "claim", chosen), await choose(aisha, "claim", chosen)
            await do(aisha, results)
            places |= {"case": where.rpartition("/")[2], "review": where.rpartition("/")[2], "campaign": str(campaign)}
            places["bulk"] = results.removeprefix("/cases/bulk/").partition("?")[0]
            places |= {"preview": preview.removeprefix("/cases/bulk/"), "results": results.removeprefix("/cases/bulk/")}
            counts.append(await counted(triage, aisha, places))
            await open_cases(triage.database, *(report(urls=(POST,)) for _ in range(30)))
    little, much = counts
    assert {address: (little[address], much[address]) for address in MOST if much[address] > little[address]} == {}
    assert {address: much[address] for address in MOST if much[address] > MOST[address]} == {}
