"""A case is kept from whom the cases merged into it are kept from, for as long as they are merged."""

from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient
from sqlalchemy import text, update

from services.triage.cases.tables import CaseRow
from services.triage.operations.queries import records
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.events.intake import Person
from shared.events.vocabulary import Relation
from tests.services.triage.builders import Submitted, open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.merges.desk import API, Desk, desk

LEO = "S7001"


@pytest.fixture
async def client(triage: Triage) -> AsyncIterator[AsyncClient]:
    async with triage.client() as client:
        yield client


@pytest.fixture
def sam(triage: Triage, client: AsyncClient) -> Desk:
    """A responder of SMART."""
    return desk(triage, client, Role.SMART_RESPONDER)


@pytest.fixture
def aisha(triage: Triage, client: AsyncClient) -> Desk:
    """Who leads SMART."""
    return desk(triage, client, Role.SMART_LEAD, subject="S4002")


@pytest.fixture
def leo(triage: Triage, client: AsyncClient) -> Desk:
    """A responder of SMART whom some reports are about."""
    return desk(triage, client, Role.SMART_RESPONDER, subject=LEO)


async def sees(who: Desk, *sent: Submitted) -> list[bool]:
    """Return which of the cases a person sees."""
    found = (await who.client.get(API, params={"limit": 100}, headers=who.headers)).json()["items"]
    return [one.reference in {item["reference"] for item in found} for one in sent]


async def keys(triage: Triage) -> list[tuple[object, ...]]:
    question = "select kept_from, kept_from_alone, assignee from \"case\" where state <> 'merged' order by case_id"
    async with triage.database.transaction() as session:
        return [tuple(row) for row in await session.execute(text(question))]


def about_leo() -> Submitted:
    return report(suspected=(Person(relation=Relation.COLLEAGUE, staff_id=LEO),))


async def test_who_may_not_open_a_merged_case_does_not_open_its_main_case_until_it_is_taken_out(
    triage: Triage, sam: Desk, aisha: Desk, leo: Desk
) -> None:
    top, main = report(), report()
    one, other = about_leo(), about_leo()
    await open_cases(triage.database, top, main, one, other)
    before = await keys(triage)
    await leo.do("claim", main)
    for told in (one, other):
        await sam.do("merge", told, into=main.reference)
    assert await sees(leo, top, main, one, other) == [True, False, False, False]
    assert (await sam.read(main))["assignee"] is None
    await sam.do("merge", main, into=top.reference)
    assert await sees(leo, top) == [False]
    await sam.do("unmerge", one)
    assert await sees(leo, top, main) == [False, False]  # the other one is still in it
    await aisha.do("unmerge", other)
    assert await sees(leo, top) == [True]
    await sam.do("unmerge", main)
    assert await sees(leo, top, main, one, other) == [True, True, False, False]
    assert await keys(triage) == before


async def test_a_merged_case_that_is_reopened_by_itself_takes_its_keys_with_it(
    triage: Triage, sam: Desk, leo: Desk
) -> None:
    main, one = report(), about_leo()
    await open_cases(triage.database, main, one)
    await sam.do("merge", one, into=main.reference)
    await sam.do("claim", main)
    await sam.do("resolve", main, outcome="support_given")
    assert await sees(leo, main) == [False]
    await sam.do("reopen", one, reason="A new post")
    assert await sees(leo, main, one) == [True, False]


async def test_a_conflict_in_a_merged_case_counts_in_its_main_case_until_a_lead_ends_it(
    triage: Triage, sam: Desk, aisha: Desk, leo: Desk
) -> None:
    main, one = report(also_affects=("dwp_information",)), report()
    await open_cases(triage.database, main, one)
    await sam.do("merge", one, into=main.reference)
    await leo.do("claim", main)
    there: dict[Submitted, str] = {told: f"{API}/{(await sam.read(told))['case_id']}/conflict" for told in (main, one)}

    async def ends(told: Submitted) -> int:
        body = {"staff_id": LEO}
        return (await aisha.client.post(f"{there[told]}/end", json=body, headers=aisha.headers)).status_code

    assert (await leo.client.post(there[one], headers=leo.headers)).status_code == 204
    assert await sees(leo, main, one) == [False, False]
    assert (await sam.read(main))["assignee"] is None
    assert await ends(main) == 409  # it was declared in the other one
    assert await ends(one) == 200
    assert await sees(leo, main, one) == [True, True]


async def test_a_conflict_in_the_main_case_stays_when_a_merged_case_is_taken_out(
    triage: Triage, sam: Desk, leo: Desk
) -> None:
    main, one = report(behaviours=("harassment", "doxing")), report()
    await open_cases(triage.database, main, one)
    await sam.do("split", main, behaviours=["doxing"])
    await sam.do("merge", one, into=main.reference)
    for told, number in ((one, 1), (main, 2)):  # in the linked case, because the main case is kept from them already
        where = f"{API}/{(await sam.read(told, number))['case_id']}/conflict"
        assert (await leo.client.post(where, headers=leo.headers)).status_code == 204
    await sam.do("unmerge", one)
    assert await sees(leo, main, one) == [False, False]


async def test_a_split_is_not_undone_into_a_case_that_is_kept_from_who_made_it(
    triage: Triage, sam: Desk, leo: Desk
) -> None:
    main, one = report(behaviours=("harassment", "doxing")), about_leo()
    await open_cases(triage.database, main, one)
    await leo.do("split", main, behaviours=["doxing"])
    await sam.do("merge", one, into=main.reference)
    version = (await sam.read(main))["version"]
    assert await leo.refused("undo-split", main, 2) == "not-split-off"
    assert (await sam.read(main))["version"] == version


async def test_keys_that_are_taken_out_by_hand_are_found(triage: Triage, sam: Desk) -> None:
    main, one = report(suspected=(Person(relation=Relation.COLLEAGUE, staff_id="S7002"),)), about_leo()
    await open_cases(triage.database, main, one)
    await sam.do("merge", one, into=main.reference)
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).where(CaseRow.reference == main.reference).values(kept_from_alone=[]))
        [broken] = await verify(session, records=records)
    assert broken.fields == ("case",)
