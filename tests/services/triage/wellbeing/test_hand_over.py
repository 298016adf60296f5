"""A responder hands a case over, no questions asked: only leads of the team learn of it."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import func, insert, select, update

from services.triage.cases.tables import CaseRow
from services.triage.exposure.domain import MOST_ITEMS
from services.triage.wellbeing import queries
from services.triage.wellbeing.handlers import forget
from services.triage.wellbeing.tables import HandOver
from shared.audit import chain
from shared.auth.permissions import Role
from tests.services.triage.builders import leads_asked, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.wellbeing.test_exposure import shown

SERVICE = "triage"
PAGE = "/cases/wellbeing"


async def the_case(triage: Triage) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow))).one()


async def test_only_leads_of_the_team_learn_that_a_case_was_handed_over(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, maria: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    assert "there is nothing to hand over" in (await sam.get(f"{page}/step-back")).text
    await press(sam, page, f"{page}/claim")
    form = (await sam.get(f"{page}/step-back")).text
    assert "<textarea" not in form  # no questions
    answer = await press(sam, f"{page}/step-back", f"{page}/hand-over")
    assert answer.headers["location"] == f"{PAGE}?done=handed-over"
    assert "Only leads of the team learn" in (await sam.get(answer.headers["location"])).text
    case = await the_case(triage)
    assert (case.assignee, case.last_had_by, case.state) == (None, None, "new")
    async with triage.database.transaction() as session:
        last = (await chain.read(session, case.case_id))[-1]
    assert (last.action, last.actor, last.reason) == ("released", "S4001", None)
    async with triage.client(Role.SMART_RESPONDER, subject="S4003") as colleague:
        for there in (page, f"{page}/timeline", f"{page}/audit", PAGE):
            assert "anded over" not in (await colleague.get(there)).text.replace("Shift handed over", "")
    assert told.reference not in (await maria.get(PAGE)).text
    seen = (await aisha.get(PAGE)).text
    assert ("S4001" in seen, f'href="{page}?' in seen) == (True, True)
    async with triage.client(Role.SMART_LEAD) as sam_as_lead:  # it is not for them to note
        assert told.reference not in (await sam_as_lead.get(PAGE)).text
    assert await leads_asked(triage.database) == [("smart", "hand_over")]  # neither the case nor who it was
    hand_over = await waiting(triage)
    for client, form_page, status in ((sam, page, 409), (aisha, PAGE, 303), (aisha, page, 409)):
        noted = await press(client, form_page, f"{PAGE}/hand-overs", hand_over=hand_over)
        assert noted.status_code == status
    assert told.reference not in (await aisha.get(PAGE)).text


async def waiting(triage: Triage) -> str:
    async with triage.database.transaction() as session:
        return str(await session.scalar(select(HandOver.hand_over_id)))


async def test_a_case_that_is_kept_from_the_lead_takes_no_place_in_the_list(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_OFFERED", 1)
    kept, plain = report(), report()
    await open_cases(triage.database, kept, plain)
    for told in (kept, plain):
        page = f"/cases/{told.reference}"
        await press(sam, page, f"{page}/claim")
        assert (await press(sam, f"{page}/step-back", f"{page}/hand-over")).status_code == 303
        triage.clock.move(timedelta(minutes=1))
    await press(aisha, f"/cases/{kept.reference}/step-back", f"/cases/{kept.reference}/conflict")
    assert plain.reference in (await aisha.get(PAGE)).text
    assert await in_navigation(aisha) == "1"


async def in_navigation(client: AsyncClient) -> str:
    """Return how much waits for this person at Wellbeing, as the navigation of casework says it; empty for nothing."""
    said = re.search(
        r'href="/cases/wellbeing">Wellbeing(?: <span class="signpost-count">([^<]+)<)?',
        (await client.get("/cases")).text,
    )
    assert said, "no Wellbeing in the navigation"
    return said[1] or ""


async def test_the_navigation_tells_a_lead_how_much_waits_for_them_and_no_one_else(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, maria: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    await shown(triage, "S4001", MOST_ITEMS)
    await press(sam, page, f"{page}/ask-for-more")
    await press(sam, f"{page}/step-back", f"{page}/hand-over")
    assert [await in_navigation(one) for one in (aisha, maria, sam)] == ["2", "", ""]
    async with triage.client(Role.SMART_LEAD) as sam_as_lead:
        assert await in_navigation(sam_as_lead) == "", "what they asked themselves is for another lead"
    await press(aisha, PAGE, f"{PAGE}/hand-overs", hand_over=await waiting(triage))
    assert await in_navigation(aisha) == "1"
    await press(aisha, PAGE, PAGE, subject="S4001")
    assert await in_navigation(aisha) == ""
    case = await the_case(triage)
    more = {"case_id": case.case_id, "team": "smart", "subject": "S4001", "at": triage.clock.now()}
    async with triage.database.transaction() as session:
        await session.execute(insert(HandOver), [{**more, "hand_over_id": uuid4()} for _ in range(100)])
    assert await in_navigation(aisha) == "99+"


async def test_what_others_changed_meanwhile_does_not_stand_in_the_way_and_no_one_does_it_for_another(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report(behaviours=("doxing",), content_state="online")  # a P1
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    for client, who in ((aisha, "a lead"), (sam, "after a release")):
        if client is sam:
            await press(sam, page, f"{page}/release")
        refused = await press(client, page, f"{page}/hand-over")
        assert (refused.status_code, "not yours to change" in refused.text) == (409, True), who
    await press(sam, page, f"{page}/claim")
    assert (await press(sam, page, f"{page}/hand-over", version="1")).status_code == 303
    api = f"/cases/api/v1/cases/{(await the_case(triage)).case_id}"
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER))
        claimed = await client.post(f"{api}/claim", headers={"If-Match": f'"{(await the_case(triage)).version}"'})
        assert claimed.status_code == 200
        assert (await client.post(f"{api}/hand-over")).json()["assignee"] is None
        assert (await client.post(f"{api}/hand-over")).status_code == 409


async def test_a_hand_over_is_forgotten_after_a_month(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    await press(sam, page, f"{page}/hand-over")
    async with triage.database.transaction() as session:
        assert await forget(session, triage.clock.now() + timedelta(days=31)) == 0
        assert await forget(session, triage.clock.now() + timedelta(days=31, minutes=1)) == 1
        assert await session.scalar(select(func.count()).select_from(HandOver)) == 0


async def test_a_lead_sees_no_hand_over_of_a_case_that_is_kept_from_them(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).values(kept_from=["id:s4002"]))
    triage.by_hand.add("case")
    await press(sam, page, f"{page}/hand-over")
    assert told.reference not in (await aisha.get(PAGE)).text
    assert await leads_asked(triage.database) == []  # an email would tell the lead that there is such a case
