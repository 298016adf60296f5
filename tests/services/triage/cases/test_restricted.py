"""Restricted cases: subject, suspected and complainant see nothing, not even in counts; only named people do."""

from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from services.triage.cases.lists import NO_CASE_YET
from services.triage.cases.tables import CaseRow
from shared.audit import chain
from shared.auth.permissions import Role
from shared.events.intake import MisuseReportSubmitted
from tests.services.triage.builders import PRIYA, misuse, open_cases
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
ARRIVALS = f"/cases/arrivals?since={NO_CASE_YET}"
TABS = ("", "/timeline", "/routing", "/audit")


async def sirts(triage: Triage, **answers: object) -> MisuseReportSubmitted:
    """Open a case of misuse that monitoring found."""
    told = misuse(**{"found_by": "monitoring", **answers})
    await open_cases(triage.database, told)
    return told


async def sees_nothing(client: AsyncClient, told: MisuseReportSubmitted) -> None:
    for tab in TABS:
        assert (await client.get(f"/cases/{told.reference}{tab}")).status_code == 404
    for view in ("all", "unclaimed", "restricted"):
        assert told.reference not in (await client.get(f"/cases?view={view}")).text
    assert (await client.get(ARRIVALS)).json() == {"new": 0}
    assert (await client.get("/cases/api/v1/cases")).json()["items"] == []


@pytest.mark.policy("C-h")
async def test_a_lead_sees_it_and_a_colleague_once_the_lead_has_named_them(triage: Triage, maria: AsyncClient) -> None:
    told = await sirts(triage)
    page = f"/cases/{told.reference}"
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        await sees_nothing(leo, told)
        assert told.reference in (await maria.get("/cases?view=restricted")).text
        named = await press(maria, page, f"{page}/name-person", text="\u200bS5001\u00a0")
        assert (named.status_code, named.headers["location"]) == (303, f"{page}?done=name-person")
        assert (await leo.get(page)).status_code == 200
        assert (await leo.get(ARRIVALS)).json() == {"new": 1}
        assert (await press(leo, page, f"{page}/name-person", text="S5009")).status_code == 409
    assert "S5001" in (await maria.get(page)).text


async def test_who_looked_is_recorded_once_a_visit(triage: Triage, maria: AsyncClient) -> None:
    told = await sirts(triage)
    for minutes in (0, 9, 1):
        triage.clock.move(timedelta(minutes=minutes))
        for tab in TABS:
            await maria.get(f"/cases/{told.reference}{tab}")
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow))).one()
        looks = [one.actor for one in await chain.read(session, row.case_id) if one.action == "page_opened"]
    assert looks == ["S5002"] * 2
    triage.clock.move(timedelta(minutes=11))
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SIRT_LEAD, subject="S5008"))
        assert (await client.get(f"/cases/api/v1/cases/{row.case_id}")).status_code == 200
    async with triage.database.transaction() as session:
        assert (await chain.read(session, row.case_id))[-1].actor == "S5008"


@pytest.mark.parametrize(
    "answers",
    [
        {"subject": {"staff_id": "S5002"}},
        {"subject": {"name": "Maria Costa"}},
        {"subject": {"handle": "maria_costa"}},
        {"reporter": PRIYA.model_copy(update={"staff_id": "S5002"})},
        {"reporter": PRIYA.model_copy(update={"staff_id": None, "email": "maria.costa@example.org"})},
    ],
)
async def test_subject_and_complainant_see_nothing_even_as_leads_or_named(
    triage: Triage, maria: AsyncClient, answers: dict[str, object]
) -> None:
    told = await sirts(triage, **answers)
    await sees_nothing(maria, told)
    async with triage.client(Role.SIRT_LEAD, subject="S5009") as other_lead:
        page = f"/cases/{told.reference}"
        assert (await press(other_lead, page, f"{page}/name-person", text="S5002")).status_code == 303
    await sees_nothing(maria, told)


async def test_the_triage_desk_watches_over_what_managers_work(triage: Triage, desk: AsyncClient) -> None:
    told = misuse()
    await open_cases(triage.database, told)
    assert told.reference in (await desk.get("/cases?team=line_manager")).text
    page = (await desk.get(f"/cases/{told.reference}")).text
    assert "Restricted" in page
    assert "Dana Wolf" in page


@pytest.mark.parametrize("text", ["", "somebody else", "S4001; drop", "x" * 50])
async def test_who_is_named_is_a_staff_number(triage: Triage, maria: AsyncClient, text: str) -> None:
    told = await sirts(triage)
    page = f"/cases/{told.reference}"
    refused = await press(maria, page, f"{page}/name-person", text=text)
    assert refused.status_code == 422
    assert 'href="#name-person-text"' in refused.text
