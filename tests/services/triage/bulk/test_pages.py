"""Many cases at once, on pages without JavaScript: choose, see whom it affects, do it, look what came of it, undo."""

import html
import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text

from services.triage.bulk import domain
from services.triage.cases.domain import LONGEST_QUERY
from services.triage.cases.tables import CaseRow
from services.triage.queue.domain import QueueFilter
from services.triage.search import queries as search
from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.search.sought import LONG, LONG_BEGINS, swept

SERVICE = "triage"


async def ticked(triage: Triage) -> list[str]:
    """Return the values of the boxes of all cases."""
    async with triage.database.transaction() as session:
        rows = (await session.scalars(select(CaseRow).order_by(CaseRow.case_id))).all()
        return [f"{row.case_id}_{row.version}" for row in rows]


async def choose(client: AsyncClient, action: str, cases: Sequence[str], **fields: str) -> str:
    """Choose cases in the queue and press the button of an action; return the address of the preview."""
    answer = await press(client, "/cases", "/cases/bulk", action=action, case=list(cases), **fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def do(client: AsyncClient, page: str, step: str = "", **fields: str) -> Response:
    answer = await press(client, page, page.replace("?", f"{step}?"), **fields)
    return await client.get(answer.headers["location"]) if answer.status_code == 303 else answer


async def test_cases_are_chosen_looked_at_claimed_and_put_back(triage: Triage, sam: AsyncClient) -> None:
    told = [report() for _ in range(3)]
    await open_cases(triage.database, *told)
    async with triage.client(Role.SMART_RESPONDER, subject="S4009") as other:
        await do(other, await choose(other, "claim", (await ticked(triage))[:1]))
    page = await choose(sam, "claim", await ticked(triage))
    preview = (await sam.get(page)).text
    assert "Claim 2 cases" in preview
    assert "SMART: 2" in preview
    assert "1 case: another responder has this case." in preview
    results = (await do(sam, page)).text
    assert "2 cases claimed" in results
    assert [one.reference in results for one in told] == [True] * 3
    assert "Left as they are: 1 case" in results
    assert "You can undo this until" in results
    undone = (await do(sam, page, "/undo")).text
    assert "2 cases are as before." in undone
    assert "You can undo" not in undone
    [row] = set(re.findall(r'href="/cases#(SP-[^"]+)"', undone))
    assert undone.count(f'href="/cases#{row}"') == 2
    listed = (await sam.get("/cases/bulk")).text
    assert "Undone" in listed
    assert f'href="{page.partition("?")[0]}"' in listed


async def test_a_preview_leaves_out_what_changed_since_it_was_chosen(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, report(), report())
    page = await choose(sam, "assign", await ticked(triage))
    await do(sam, await choose(sam, "claim", (await ticked(triage))[:1]))
    preview = (await sam.get(page)).text
    assert "Assign 1 case" in preview
    assert "1 case: changed since you chose." in preview
    assert "You: 1 open case" in preview
    for number, said in (("", "Choose a colleague"), ("someone else", "Give a staff number, such as S4001")):
        missing = await do(sam, page, number=number)
        assert (missing.status_code, said in missing.text) == (422, True)
    results = (await do(sam, page, assignee="S4002", text="Sam is away")).text
    assert "1 case assigned" in results
    assert "The case changed since you read it." in results


async def test_a_preview_says_who_will_read_a_message_and_that_it_stays_sent(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, report(), report())
    page = await choose(sam, "message", await ticked(triage))
    preview = (await sam.get(page)).text
    assert "The reporters of 2 reports" in preview
    assert "A message that was sent cannot be taken back" in preview
    missing = await do(sam, page, text=" ")
    assert (missing.status_code, "Write what the reporters will read" in missing.text) == (422, True)
    results = (await do(sam, page, text="We are on it")).text
    assert "Message sent about 2 cases" in results
    assert ">Undo<" not in re.sub(r"\s+", "", results)


async def test_a_whole_view_is_looked_up_again(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MOST", 3)
    await open_cases(triage.database, *(report(platform="facebook") for _ in range(4)), report())
    page = await choose(sam, "claim", [], whole="yes", view="platform=facebook")
    preview = (await sam.get(page)).text
    assert "Claim 3 cases" in preview
    assert "more than 1,000 cases" in preview
    assert 'href="/cases?platform=facebook"' in preview


async def test_a_whole_view_is_its_whole_search_and_one_that_is_too_long_is_refused(
    triage: Triage, sam: AsyncClient
) -> None:
    told = [report(narrative=LONG), report(narrative=f"{LONG}."), report(narrative=LONG_BEGINS)]
    await open_cases(triage.database, *told)
    await swept(triage.database)
    view = QueueFilter(view=None, q=f'"{LONG}"').query()
    assert "Claim 2 cases" in (await sam.get(await choose(sam, "claim", [], whole="yes", view=view))).text
    made = await press(sam, "/cases", "/cases/campaigns", whole="yes", view=view)
    campaign = (await sam.get(made.headers["location"])).text
    assert [one.reference in campaign for one in told] == [True, True, False]
    for longer in (f"{view}&who={'S' * LONGEST_QUERY}", f"q={'a' * 501}"):
        for action in ("/cases/bulk", "/cases/campaigns"):
            refused = await press(sam, "/cases", action, action="claim", whole="yes", view=longer)
            assert (refused.status_code, "at most 500 characters" in refused.text) == (422, True), action
    assert "at most 500 characters" in (await sam.get(f"/cases?q={'a' * 501}")).text


async def test_a_whole_search_that_stopped_before_its_end_does_not_say_that_it_has_all(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "NEWEST", 3)
    await open_cases(triage.database, *(report(narrative="planted") for _ in range(4)))
    await swept(triage.database)
    page = await choose(sam, "claim", [], whole="yes", view="q=planted")
    preview = (await sam.get(page)).text
    assert "Claim 3 cases" in preview
    assert "There may be older ones besides" in preview


async def test_what_was_searched_for_stays_in_the_address_and_is_not_kept(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, report(narrative="a zanzibar of a story"))
    await swept(triage.database)
    back = 'href="/cases?q=zanzibar"'
    preview = await choose(sam, "claim", [], whole="yes", view="q=zanzibar")
    page = (await sam.get(preview)).text
    assert page.count(back) == 2
    assert f"{back}>Cancel</a>" in page
    results = await press(sam, preview, html.unescape(page.partition('<form method="post" action="')[2]).split('"')[0])
    done = (await sam.get(results.headers["location"])).text
    assert "1 case claimed" in done
    undo = re.search(r'action="([^"]+/undo[^"]*)"', done)
    assert undo
    undone = await press(sam, results.headers["location"], html.unescape(undo[1]))
    assert f"{back}>Back to the queue</a></p>" in done
    assert (await sam.get(undone.headers["location"])).text.count(back) == done.count(back) == 2
    async with triage.database.transaction() as session:
        for table in ("bulk", "bulk_item"):
            kept = await session.scalar(text(f"select string_agg(t::text, ' ') from {table} t"))  # noqa: S608 - own tables
            assert "zanzibar" not in kept


async def test_a_long_action_shows_how_far_it_is(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_cases(triage.database, report(), report())
    page = await choose(sam, "claim", await ticked(triage))
    monkeypatch.setattr(domain, "AT_ONCE", 1)
    assert "0 of 2 cases looked at" in (await do(sam, page)).text


async def test_resolving_and_transferring_offer_what_fits_and_need_it(triage: Triage, aisha: AsyncClient) -> None:
    await open_cases(triage.database, report(), report())
    await do(aisha, await choose(aisha, "claim", await ticked(triage)))
    page = await choose(aisha, "transfer", await ticked(triage))
    missing = await do(aisha, page, text="")
    assert missing.status_code == 422
    assert "Choose a team" in missing.text
    assert "Line manager" not in missing.text
    assert "2 cases transferred" in (await do(aisha, page, team="sirt", text="Theirs")).text
    await do(aisha, page, "/undo")
    page = await choose(aisha, "resolve", await ticked(triage))
    assert "Contained" not in (await aisha.get(page)).text
    assert "2 cases resolved" in (await do(aisha, page, outcome="duplicate")).text
    triage.clock.move(domain.UNDO_FOR + timedelta(seconds=1))
    assert "The 10 minutes to undo this are over" in (await aisha.get(page)).text


async def test_a_preview_knows_every_reason_for_which_a_case_is_refused(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, report(behaviours=("threat",)), report())
    await do(sam, await choose(sam, "claim", await ticked(triage)))
    preview = (await sam.get(await choose(sam, "resolve", await ticked(triage)))).text
    assert "Resolve 1 case" in preview
    assert "threat to life" in preview


async def test_merging_offers_the_oldest_case_to_merge_into(triage: Triage, sam: AsyncClient) -> None:
    first, second = report(), report()
    await open_cases(triage.database, first, second)
    page = await choose(sam, "merge", await ticked(triage))
    assert f'value="{first.reference}"' in (await sam.get(page)).text
    assert "Give the reference of the case" in (await do(sam, page, into="")).text
    results = (await do(sam, page, into=first.reference.lower())).text
    assert "1 case merged" in results
    assert "It is the case that the others are merged into." in results


async def test_a_second_press_of_the_button_does_nothing_more(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, report())
    page = await choose(sam, "message", await ticked(triage))
    token = re.search(r'name="csrftoken" value="([^"]+)"', (await sam.get(page)).text)
    assert token
    for _ in range(2):
        assert (await sam.post(page, data={"csrftoken": token[1], "text": "Once"})).status_code == 303
    assert "Message sent about 1 case" in (await sam.get(page)).text
    assert (await ticked(triage))[0].endswith("_2")


@pytest.mark.parametrize(
    "fields", [{"action": "claim"}, {"action": "exempt", "case": "x"}, {"action": "claim", "case": "x_1"}]
)
async def test_without_a_case_or_an_action_there_is_nothing_to_do(
    triage: Triage, sam: AsyncClient, fields: dict[str, str]
) -> None:
    await open_cases(triage.database, report())
    answer = await press(sam, "/cases", "/cases/bulk", **fields)
    assert answer.status_code == 303
    said = (await sam.get(answer.headers["location"])).text
    assert "Tick the cases that you mean first" in said
    assert said.index('role="alert"') < said.index('name="action"')


async def test_another_persons_action_is_not_there(triage: Triage, sam: AsyncClient, aisha: AsyncClient) -> None:
    await open_cases(triage.database, report())
    page = await choose(sam, "claim", await ticked(triage))
    assert (await aisha.get(page)).status_code == 404
