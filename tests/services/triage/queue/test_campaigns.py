"""The queue of one campaign has the cases that a viewer sees of it; of one that they may not know of it has none."""

import html
import re
from typing import Any

from httpx import AsyncClient
from sqlalchemy import event

from shared.auth.permissions import Role
from shared.events.intake import Person
from shared.events.vocabulary import Relation
from tests.services.triage.builders import open_cases
from tests.services.triage.buttons import press
from tests.services.triage.campaigns.test_acts import API as CAMPAIGNS
from tests.services.triage.campaigns.test_acts import NOWHERE, opened
from tests.services.triage.campaigns.test_suggestions import POST, told
from tests.services.triage.conftest import Triage

SERVICE = "triage"
LEO = Person(relation=Relation.COLLEAGUE, name="Leo Grant")
CASES = "/cases/api/v1/cases"


async def listed(triage: Triage, *roles: Role, subject: str = "S4001", **query: str) -> list[Any]:
    async with triage.client() as client:
        answer = await client.get(CASES, params=query, headers=triage.bearer(*roles, subject=subject))
        assert answer.status_code == 200, answer.text
        items: list[Any] = answer.json()["items"]
        return items


async def of_sam(triage: Triage) -> str:
    """Let a campaign be suggested that Sam may know of, and a case of its own be open; return the campaign's id."""
    await opened(triage, *(told(urls=(POST,)) for _ in range(3)), told(urls=(POST,), suspected=(LEO,)))
    await open_cases(triage.database, told())
    async with triage.client() as client:
        found = await client.get(CAMPAIGNS, headers=triage.bearer(Role.SMART_RESPONDER))
        [one] = found.json()["items"]
        return str(one["campaign_id"])


async def test_a_queue_is_filtered_by_a_campaign_and_marks_its_cases(triage: Triage, sam: AsyncClient) -> None:
    campaign = await of_sam(triage)
    every = await listed(triage, Role.SMART_RESPONDER)
    in_it = [one for one in every if "campaign" in one["marks"]]
    assert (len(every), len(in_it)) == (5, 4)
    for order in ("due", "newest", "priority"):
        of_it = await listed(triage, Role.SMART_RESPONDER, campaign=campaign, sort=order)
        assert {one["case_id"] for one in of_it} == {one["case_id"] for one in in_it}, order
    statements: list[str] = []
    event.listen(triage.database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    page = (await sam.get(f"/cases?campaign={campaign}&priority=P3")).text
    assert len(statements) <= 9, statements
    assert page.count(f'href="/cases/campaigns/{campaign}"') == 4
    assert '4<span class="govuk-visually-hidden"> cases' in page, "the views count within the campaign"
    assert '5<span class="govuk-visually-hidden"> cases' not in page
    assert f'name="campaign" value="{campaign}"' in page, "another filter keeps it"
    assert (await listed(triage, Role.SMART_RESPONDER, campaign=campaign, state="closed")) == []


async def test_a_campaign_that_is_hidden_or_not_there_has_an_empty_queue_and_no_mark(
    triage: Triage, sam: AsyncClient
) -> None:
    """A case of it is kept from Leo, whom its report names, so he may not know of the campaign."""
    campaign = await of_sam(triage)
    responder, lead = (Role.SMART_RESPONDER,), (Role.SIRT_LEAD, Role.TRIAGE_DESK)
    assert len(seen_by_leo := await listed(triage, *responder, subject="S5001")) == 4
    assert not [one for one in seen_by_leo if "campaign" in one["marks"]]
    assert await listed(triage, *responder, subject="S5001", campaign=campaign) == []
    assert await listed(triage, *lead, subject="S5002", campaign=campaign) == []
    assert await listed(triage, *responder, campaign=NOWHERE) == []
    assert "No case matches" in (await sam.get(f"/cases?campaign={NOWHERE}")).text
    async with triage.client(*lead, subject="S5002") as maria:
        assert "No case matches" in (await maria.get(f"/cases?campaign={campaign}")).text
    assert (await sam.get("/cases?campaign=front-door")).status_code == 200


async def test_a_case_leads_back_to_the_campaign_that_it_was_opened_from(triage: Triage, sam: AsyncClient) -> None:
    there = f"/cases/campaigns/{await of_sam(triage)}"
    opened_at = re.findall(r'href="(/cases/SP-[^"]+)"', (await sam.get(there)).text)[-1]
    case, _, came = html.unescape(opened_at).partition("?")
    row = f"#{case.removeprefix('/cases/')}"
    assert f'href="{there}{row}"' in (await sam.get(f"{case}?{came}")).text
    await press(sam, case, f"{case}/claim")
    done = await press(sam, f"{case}?{came}", f"{case}/resolve?{came}", outcome="support_given", next="yes")
    back, _, place = done.headers["location"].partition("#")
    assert back.startswith(f"{there}?done=resolve")
    shown = (await sam.get(back)).text
    assert f'id="{place}"' in shown, "a finished case is still on the page of its campaign"
    assert "You resolved" in shown
    elsewhere = (await sam.get(f"{case}?from=list%3Dcampaigns/{{}}")).text
    assert f'href="/cases{row}"' in elsewhere, "no campaign has that id"
