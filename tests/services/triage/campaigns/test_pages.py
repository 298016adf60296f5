"""The pages of campaigns, as a responder without JavaScript uses them."""

import re

from httpx import AsyncClient
from sqlalchemy import text

from services.triage.cases.access import conflict_key
from shared.auth.permissions import Role
from shared.events.intake import Person
from shared.events.triage import ReporterUpdateShared
from shared.events.vocabulary import Relation
from tests.services.triage.builders import open_cases
from tests.services.triage.buttons import press
from tests.services.triage.campaigns.test_acts import actions, opened, published
from tests.services.triage.campaigns.test_suggestions import POST, reporter, told
from tests.services.triage.conftest import Triage

SERVICE = "triage"
LIST, BULK = "/cases/campaigns", "/cases/bulk"
_BOX = re.compile(r'name="case" type="checkbox" value="([^"]+)"')


async def suggested(triage: Triage, sam: AsyncClient, *, size: int = 3) -> str:
    """Let a campaign be suggested; return its page."""
    grace = (Person(relation=Relation.COLLEAGUE, name="Grace Okafor"),)
    await opened(triage, *(told(urls=(POST,), affected=grace) for _ in range(size)))
    found = re.search(rf'href="({LIST}/[0-9a-f-]+)"', (await sam.get(LIST)).text)
    assert found
    return found[1]


async def test_a_suggestion_is_read_confirmed_and_named(triage: Triage, sam: AsyncClient) -> None:
    assert f'href="{LIST}"' in (await sam.get("/cases")).text
    assert "No campaign here" in (await sam.get(LIST)).text
    page = await suggested(triage, sam)
    assert "Same link; same account; 3 reports in 1 h by 3 reporters" in (await sam.get(LIST)).text
    shown = (await sam.get(page)).text
    for said in (
        "Suggested campaign",
        "Grace Okafor, 3 reports",
        "3 reports",
        "Same link<br>Same account",
        "same link, same account",
    ):
        assert said in shown
    assert "Message all reporters" not in shown
    assert (await press(sam, page, f"{page}/confirm", text="Front door")).headers["location"] == f"{page}?done=confirm"
    after = (await sam.get(f"{page}?done=confirm")).text
    for said in (
        "The campaign is confirmed",
        "Front door",
        "Message all reporters",
        "Campaign confirmed",
    ):
        assert said in after
    assert re.search(r"Confirmed\s*</strong>\s*By ", after)
    assert (await press(sam, page, f"{page}/name", text="Back door")).status_code == 303
    late = await press(sam, page, f"{page}/name", text="Side door", version="1")
    assert (late.status_code, "Another person changed the campaign since you read it" in late.text) == (412, True)
    assert "Back door" in (await sam.get(f"{LIST}?state=confirmed")).text
    assert "Front door" not in (await sam.get(f"{LIST}?state=suggested")).text


async def test_accounts_and_links_are_absent_until_someone_asks_and_each_case_says_so(
    triage: Triage, sam: AsyncClient
) -> None:
    page = await suggested(triage, sam)
    hidden = ("some_account", "status/17")
    assert not [word for word in hidden if word in (await sam.get(page)).text]
    shown = (await press(sam, page, f"{page}/show")).text
    assert [word for word in hidden if word in shown] == list(hidden)
    assert "the account may be a private person’s" in shown
    async with triage.database.transaction() as session:
        looked = "select count(*) from activity where action = 'content_shown' and actor = 'S4001'"
        assert await session.scalar(text(looked)) == 3
        assert await session.scalar(text("select items from exposure where subject = 's4001'")) == 1
        await session.execute(text("update exposure set items = 10000"))
    asked = await press(sam, page, f"{page}/show")
    assert asked.status_code == 409
    assert "Ask a lead to let you see more" in asked.text
    assert not [word for word in hidden if word in asked.text]


async def test_one_message_and_one_outcome_for_all_with_a_preview_and_undo(triage: Triage, sam: AsyncClient) -> None:
    page = await suggested(triage, sam)
    campaign = page.rpartition("/")[2]
    await press(sam, page, f"{page}/confirm")
    preview = (await press(sam, page, BULK, action="message", campaign=campaign, whole="yes")).headers["location"]
    assert "The reporters of 3 reports" in (await sam.get(preview)).text
    await press(sam, page, preview, text="We asked for its removal.")
    done = await press(sam, page, preview, text="We asked for its removal.")  # as if the button was pressed twice
    results = (await sam.get(done.headers["location"])).text
    assert "Message sent about 3 cases" in results
    assert results.count(f'href="{page}"') == 2
    assert len(await published(triage, ReporterUpdateShared.TYPE)) == 3
    boxes = _BOX.findall((await sam.get(page)).text)
    async with triage.client(Role.SMART_RESPONDER, subject="S4002") as aisha:
        taken = re.search(r'href="(/cases/SP-[^"?]+)', (await aisha.get(page)).text)
        assert taken
        await press(aisha, taken[1], f"{taken[1]}/claim")
    preview = (await press(sam, page, BULK, action="resolve", campaign=campaign, case=boxes)).headers["location"]
    assert "2 cases: claimed by you first" in (await sam.get(preview)).text
    done = await press(sam, page, preview, outcome="removed_by_platform")
    results = (await sam.get(done.headers["location"])).text
    assert "2 cases resolved" in results
    assert "changed since you read it" in results
    assert (await sam.get(page)).text.count("Removed by the platform<span") == 2
    undone = await press(sam, done.headers["location"], done.headers["location"].replace("?", "/undo?"))
    assert "2 cases are as before" in (await sam.get(undone.headers["location"])).text


async def test_a_campaign_is_made_of_ticked_rows_and_of_related_cases(triage: Triage, sam: AsyncClient) -> None:
    first, second, third = told(urls=(POST,)), told(urls=(POST,)), told(urls=(POST,))
    await open_cases(triage.database, first, second, third)
    boxes = re.findall(r'form="chosen" [^>]*value="([^"]+)"', (await sam.get("/cases")).text)
    nothing = await press(sam, "/cases", LIST)
    assert "Tick the cases that you mean first" in (await sam.get(nothing.headers["location"])).text
    made = (await press(sam, "/cases", LIST, case=boxes[:2])).headers["location"]
    shown = (await sam.get(made)).text
    assert "The campaign is made" in shown
    assert len(_BOX.findall(shown)) == 2
    await opened(triage)
    related = f"/cases/{first.reference}/related"
    other = (await sam.get(related)).text
    assert other.count("Merge with this") == 2
    assert f'/merge?into={second.reference}#into"' in other
    assert (
        f'value="{second.reference}"' in (await sam.get(f"/cases/{first.reference}/merge?into={second.reference}")).text
    )
    add = re.search(r'formaction="([^"]+/add)" name="version" value="(\d+)"', other)
    assert add
    await press(sam, related, add[1], case=boxes[2:], version=add[2])
    assert len(_BOX.findall((await sam.get(made)).text)) == 3


async def test_cases_are_added_and_taken_out_by_hand(triage: Triage, sam: AsyncClient) -> None:
    page = await suggested(triage, sam)
    other = told()
    await open_cases(triage.database, other)
    typed = other.reference.lower().replace("-", " ")
    assert (await press(sam, page, f"{page}/add", text=typed)).status_code == 303
    shown = (await sam.get(page)).text
    assert other.reference in shown
    assert "added by a person" in shown
    boxes = _BOX.findall(shown)
    assert (await press(sam, page, f"{page}/take-out", case=boxes[:1])).status_code == 303
    assert other.reference not in (await sam.get(page)).text
    assert (await actions(triage, boxes[0].partition("_")[0]))[-2:] == ["campaign_joined", "campaign_left"]
    assert "Put in a campaign" in (await sam.get(f"/cases/{other.reference}/timeline")).text


async def test_what_is_missing_or_wrong_is_said_beside_its_field(triage: Triage, sam: AsyncClient) -> None:
    page = await suggested(triage, sam)
    wrong: dict[str, tuple[dict[str, str | list[str]], int]] = {
        "add": ({"text": "SP-0000-0000"}, 409),
        "take-out": ({}, 422),
        "dismiss": ({"days": "1000"}, 422),
    }
    said = {
        "add": "There is no such case here",
        "take-out": "Tick the cases in the list first",
        "dismiss": "Choose for how long",
    }
    for action, (fields, status) in wrong.items():
        answer = await press(sam, page, f"{page}/{action}", **fields)
        assert (action, answer.status_code) == (action, status)
        assert said[action] in answer.text
        assert "There is a problem" in answer.text
    none_left = await press(sam, page, f"{page}/take-out", case=_BOX.findall((await sam.get(page)).text))
    assert none_left.status_code == 409
    assert "Dismiss the campaign instead" in none_left.text
    assert (await sam.get(f"{page}/add")).headers["location"] == page
    assert (await sam.get(f"{LIST}/01890000-0000-7000-8000-000000000000")).status_code == 404


async def test_a_dismissed_campaign_can_be_found_and_confirmed_after_all(triage: Triage, sam: AsyncClient) -> None:
    page = await suggested(triage, sam)
    assert (await press(sam, page, f"{page}/dismiss", days="7", text="A page of news")).status_code == 303
    assert page not in (await sam.get(LIST)).text
    assert page in (await sam.get(f"{LIST}?state=dismissed")).text
    shown = (await sam.get(page)).text
    assert re.search(r"Dismissed\s*</strong>\s*By ", shown)
    assert "A page of news" in shown
    assert (await press(sam, page, f"{page}/confirm")).status_code == 303


async def test_a_case_says_what_it_is_related_to_and_why(triage: Triage, sam: AsyncClient) -> None:
    page = await suggested(triage, sam)
    suspects = (Person(relation=Relation.COLLEAGUE, name="Sam Reid"),)
    alone, hidden = told(), told(urls=(POST,), suspected=suspects, reporter=reporter(77))
    await opened(triage, alone)
    assert "This case is in no campaign" in (await sam.get(f"/cases/{alone.reference}/related")).text
    references = re.findall(r'href="/cases/(SP-[^"?]+)', (await sam.get(page)).text)
    shown = (await sam.get(f"/cases/{references[0]}/related")).text
    assert "A suggested campaign" in shown
    assert shown.count("same link, same account, about the same person") == 2
    await opened(triage, hidden)
    assert hidden.reference not in (await sam.get(f"/cases/{references[0]}/related")).text


async def test_operations_counts_campaigns_without_cases_that_are_kept_from_the_viewer(
    triage: Triage, sam: AsyncClient
) -> None:
    page = await suggested(triage, sam)

    async def shown(**parameters: str) -> list[list[object]]:
        async with triage.client() as client:
            headers = triage.bearer(Role.SMART_LEAD, subject="S4002")
            answer = await client.get("/cases/api/v1/operations", params=parameters, headers=headers)
        return list(answer.json()["tables"]["campaigns"]["rows"])

    assert await shown() == await shown(team="smart") == [["Suggested", 1, 3]]
    assert await shown(team="sirt") == []
    await press(sam, page, f"{page}/confirm", text="Front door")
    assert await shown() == [["Confirmed", 1, 3]]
    async with triage.client(Role.SMART_LEAD, subject="S4002") as aisha:
        drawn = (await aisha.get("/cases/operations")).text
    assert 'aria-label="Confirmed 1"' in drawn
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        one = 'update "case" set kept_from = :keys where case_id = (select min(case_id::text)::uuid from "case")'
        await session.execute(text(one), {"keys": [conflict_key("S4002")]})
    assert await shown() == []  # who may not see each of its cases does not know of it
