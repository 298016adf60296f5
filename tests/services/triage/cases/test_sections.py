"""The navigation of casework: on each of its pages, with how much there is to do."""

import re

from httpx import AsyncClient

from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
SECTIONS = ["Queue", "Campaigns", "Targeted again", "Tasks", "Second reviews", "Shift", "Templates", "Wellbeing"]
PAGES = {
    "/cases": ("Queue", "page"),
    "/cases/campaigns": ("Campaigns", "page"),
    "/cases/repeat": ("Targeted again", "page"),
    "/cases/tasks": ("Tasks", "page"),
    "/cases/shift": ("Shift", "page"),
    "/cases/templates": ("Templates", "page"),
    "/cases/second-reviews": ("Second reviews", "page"),
    "/cases/wellbeing": ("Wellbeing", "page"),
}


def navigation(page: str) -> list[tuple[str, str, str]]:
    """Return text, `aria-current` and count of each part."""
    nav = re.search(r'<nav [^>]*aria-label="Casework">(.*?)</nav>', page, re.DOTALL)
    assert nav, "no navigation"
    links = re.findall(
        r'__link"(?: aria-current="(\w+)")? href="[^"]+">([^<]+?)(?: <span [^>]+>(\d+\+?)<.*?)?</a>', nav[1]
    )
    return [(text, current, count) for current, text, count in links]


async def test_each_page_of_casework_leads_to_the_others(triage: Triage, sam: AsyncClient) -> None:
    """Also the pages to which nothing else leads: a lead writes the first template, a shift begins with its list."""
    await open_cases(triage.database, told := report())
    case = f"/cases/{told.reference}"
    pages = {
        **PAGES,
        case: ("Queue", "true"),
        f"{case}/tasks": ("Queue", "true"),
        f"{case}/step-back": ("Queue", "true"),
    }
    for page, here in pages.items():
        shown = navigation((await sam.get(page)).text)
        assert [text for text, _, _ in shown] == SECTIONS, page
        assert [(text, current) for text, current, _ in shown if current] == [here], page
    async with triage.client(Role.SUPPLIER) as other:
        assert "Casework" not in (await other.get("/cases/operations")).text


async def test_it_says_how_much_there_is_to_do_and_nothing_of_what_one_may_not_see(
    triage: Triage, sam: AsyncClient
) -> None:
    await open_cases(triage.database, told := report())
    case = f"/cases/{told.reference}"
    await press(sam, case, f"{case}/claim")
    await press(sam, case, f"{case}/tasks", title="Ring the school")
    counts = {text: count for text, _, count in navigation((await sam.get("/cases")).text)}
    assert counts == dict.fromkeys(SECTIONS, "") | {"Tasks": "3"}, "with two of the kind"
    refused = await press(sam, case, f"{case}/note", text="")
    assert [text for text, _, _ in navigation(refused.text)] == SECTIONS
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as other:
        assert [count for _, _, count in navigation((await other.get("/cases")).text) if count] == []
