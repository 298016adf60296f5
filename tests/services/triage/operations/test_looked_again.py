"""How many outcomes are to be looked at again, by team, and what came of them."""

from datetime import timedelta

import pytest
from httpx import AsyncClient

from services.triage.operations import queries
from services.triage.operations.charts import Panel
from services.triage.operations.dashboard import Asked, dashboard
from services.triage.operations.queries import Lag
from shared.events.people import keys_of_member
from tests.services.triage.builders import NOW, misuse, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.operations.events import come_to_the_same_in_any_order_and_twice, hear, said_by_triage
from tests.services.triage.outcome_reviews.test_reviews import request, resolved

SERVICE = "triage"
NOBODY = keys_of_member(staff_id="S9999", name="Nobody Else", email=None)


async def panel(triage: Triage, after: timedelta = timedelta(), keys: frozenset[str] = NOBODY) -> Panel:
    async with triage.database.transaction() as session:
        snapshot = await queries.snapshot(session, keys, NOW + after, 7)
    found = dashboard(snapshot, Lag(NOW, {}), Asked(7)).panel("looked-again")
    assert found
    return found


async def some_requests(triage: Triage, sam: AsyncClient, aisha: AsyncClient) -> None:
    """Let five outcomes be asked about: one stands, one does not, one case is reopened, two wait."""
    told = [report() for _ in range(5)]
    for number, one in enumerate(told):
        page = await resolved(triage, sam, one)
        await request(triage, one)
        if number < 2:
            result = ("upheld", "changed")[number]
            await press(aisha, f"{page}/review", f"{page}/review", result=result, reason="So it is")
        elif number == 2:
            await press(sam, page, f"{page}/reopen", text="They are right")


async def test_they_are_counted_with_a_table(triage: Triage, sam: AsyncClient, aisha: AsyncClient) -> None:
    assert (await panel(triage)).empty
    await some_requests(triage, sam, aisha)
    await hear(triage.database, await said_by_triage(triage.database))
    found = await panel(triage)
    assert found.table.columns[:2] == ("Team", "Asked")
    assert found.table.columns[2:6] == ("Waiting", "It stands", "Changed", "Reopened first")
    assert found.table.columns[6:] == ("Changed, per cent", "Open now", "Overdue")
    assert found.table.rows == (("SMART", 5, 2, 1, 1, 1, 50.0, 2, 0),)
    [late] = (await panel(triage, timedelta(days=9))).table.rows
    assert late[1:3] == (0, 0)  # asked in the period
    assert late[-2:] == (2, 2)  # open and overdue, whenever they were asked
    page = (await aisha.get("/cases/operations?days=7")).text
    assert "Outcomes looked at again" in page
    assert "2 open now, 0 of them overdue." in page
    answer = await aisha.get("/cases/operations/looked-again.csv?days=7")
    assert "SMART,5,2,1,1,1,50.0,2,0" in answer.text


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_news_may_come_twice_and_in_any_order(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, seed: int
) -> None:
    await some_requests(triage, sam, aisha)
    events = await said_by_triage(triage.database)
    await come_to_the_same_in_any_order_and_twice(triage.database, events, seed)


async def test_a_person_does_not_see_their_own_case_counted(triage: Triage, desk: AsyncClient) -> None:
    await resolved(triage, desk, told := misuse(union_activity="yes"))
    await request(triage, told)
    await hear(triage.database, await said_by_triage(triage.database))
    assert (await panel(triage)).table.rows
    dana = keys_of_member(staff_id="S7001", name="Dana Wolf", email=None)
    assert not (await panel(triage, keys=dana)).table.rows
