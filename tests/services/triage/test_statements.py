"""Each page of casework reads with a few statements, however many cases, reports and steps there are.

`MOST` has about three more than each page takes, so that a page that begins to read case by case does not pass.
"""

from collections.abc import Mapping

from httpx import AsyncClient
from sqlalchemy import event, text

from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.bulk.test_pages import choose, do, ticked
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
    "/cases/shift": 7,
    "/cases/wellbeing": 13,
    "/cases/templates": 4,
    "/cases/api/v1/cases": 8,
    "/cases/api/v1/cases/{case}": 25,
    "/cases/api/v1/campaigns": 7,
    "/cases/api/v1/campaigns/{campaign}": 8,
    "/cases/api/v1/cases/{case}/conversation": 8,
    "/cases/api/v1/cases/{case}/evidence": 6,
    "/cases/api/v1/cases/{case}/takedowns": 6,
    "/cases/api/v1/cases/{case}/tasks": 8,
}


async def counted(triage: Triage, client: AsyncClient, places: Mapping[str, str]) -> dict[str, int]:
    """Return how many statements each page takes when it is read again: the first time, that may be recorded."""
    statements: list[str] = []
    event.listen(
        triage.database.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    found = {}
    for address in MOST:
        for _ in range(2):
            statements.clear()
            answer = await client.get(address.format(**places))
            assert answer.status_code == 200, (address, answer.text)
        found[address] = len(statements)
    return found


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
            chosen = await ticked(triage)
            preview, results = await choose(aisha, "claim", chosen), await choose(aisha, "claim", chosen)
            await do(aisha, results)
            places |= {"case": where.rpartition("/")[2], "campaign": str(campaign)}
            places |= {"preview": preview.removeprefix("/cases/bulk/"), "results": results.removeprefix("/cases/bulk/")}
            counts.append(await counted(triage, aisha, places))
            await open_cases(triage.database, *(report(urls=(POST,)) for _ in range(30)))
    little, much = counts
    assert {address: (little[address], much[address]) for address in MOST if much[address] > little[address]} == {}
    assert {address: much[address] for address in MOST if much[address] > MOST[address]} == {}
