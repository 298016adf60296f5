"""A case page says where a merged case is worked on, and how to give a case to others."""

import re

from httpx import AsyncClient

from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
WAYS = ("Release it", "Assign it", "Hand it over, no questions asked", "You have a conflict of interest")


async def test_a_merged_case_leads_to_the_other_first_and_each_lists_the_other(
    triage: Triage, sam: AsyncClient
) -> None:
    told, main = report(), report()
    await open_cases(triage.database, told, main)
    case, other = f"/cases/{told.reference}", f"/cases/{main.reference}"
    assert "Merged into" not in (await sam.get(case)).text
    await press(sam, f"{case}/merge", f"{case}/merge", into=main.reference)
    for room in ("", "/tasks", "/related"):
        page = (await sam.get(case + room)).text
        first = re.search(rf'href="({other}|{case})"', page.partition("<main")[2])
        assert first, room
        assert first[1] == other, room
        assert f'Merged into <a class="govuk-link" href="{other}">{main.reference}</a>' in page, room
        assert "Claim this case" not in page, room
    assert f'href="{case}"' in (await sam.get(f"{other}/related")).text.partition("Merged cases")[2]
    tabs = re.findall(
        r'moj-sub-navigation__link"( aria-current="page")? href="([^"]+)"', (await sam.get(f"{case}/merge")).text
    )
    assert [address for current, address in tabs if current] == [f"{case}/related"], "it is reached from there"
    assert f"{case}/merge" not in {address for _, address in tabs}


async def test_who_may_not_open_the_main_case_is_not_told_its_reference(triage: Triage, sam: AsyncClient) -> None:
    told, main = report(), report()
    await open_cases(triage.database, told, main)
    case, other = f"/cases/{told.reference}", f"/cases/{main.reference}"
    await press(sam, f"{case}/merge", f"{case}/merge", into=main.reference)
    async with triage.client(Role.SMART_RESPONDER, subject="S4009") as torn:
        await press(torn, f"{other}/step-back", f"{other}/conflict")
        page = await torn.get(case)
    assert page.status_code == 200, page.status_code
    assert "Merged into another case, which you may not open" in page.text
    assert main.reference not in page.text


async def test_a_case_is_given_to_others_in_one_place_that_says_who_learns_of_it(
    triage: Triage, sam: AsyncClient
) -> None:
    await open_cases(triage.database, told := report())
    case = f"/cases/{told.reference}"
    await press(sam, case, f"{case}/claim")
    given = (await sam.get(case)).text.partition('id="give-details"')[2].partition("</details>")[0]
    assert [way for way in WAYS if f">{way}</h3>" in given] == list(WAYS)
    assert "Only leads of the team learn that you handed it over" in given
    handed = await press(sam, case, f"{case}/hand-over?from=priority%3DP3")
    assert handed.headers["location"] == "/cases/wellbeing?done=handed-over&from=priority%3DP3"
    assert 'href="/cases?priority=P3" class="govuk-back-link"' in (await sam.get(handed.headers["location"])).text
    async with triage.client(Role.SMART_RESPONDER, subject="S4009") as other:
        page = (await other.get(case)).text
    assert [way for way in WAYS if f">{way}</h3>" in page] == ["Assign it", "You have a conflict of interest"]
    assert "There is nothing you can do" not in page


async def test_a_second_link_skips_to_the_tab(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, told := report())
    page = (await sam.get(f"/cases/{told.reference}/evidence")).text
    assert re.findall(r'href="#([\w-]+)" class="govuk-skip-link"', page) == ["main-content", "tab"]
    assert 'id="tab" tabindex="-1"' in page
