"""Cases of one queue are worked one after another: back to the row, or on to the next."""

import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from httpx import AsyncClient, Response

from services.triage.queue.domain import QueueFilter, Sort
from shared.auth.permissions import Role
from tests.services.triage.builders import NOW, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.search.sought import LONG, swept

SERVICE = "triage"
OF_QUEUE = "from=priority%3DP3"


def links(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]+)"', page)]


async def test_a_case_leads_back_to_its_row_and_on_to_the_next_that_no_one_has(
    triage: Triage, sam: AsyncClient
) -> None:
    told = [report(submitted_at=NOW - timedelta(minutes=number)) for number in (30, 20, 10)]
    await open_cases(triage.database, *told)
    first, second, third = (one.reference for one in told)
    queue = "/cases?priority=P3"
    shown = (await sam.get(queue)).text
    assert f"/cases/{first}?{OF_QUEUE}" in links(shown)
    assert shown.count('name="back" value="yes"') == shown.count('data-key="c"') == 3, "who claims stays in the queue"
    claimed = await press(sam, queue, f"/cases/{first}/claim?{OF_QUEUE}", version="1", back="yes")
    assert claimed.headers["location"] == f"{queue}&done=claim&case={first}#{first}"
    assert "You claimed" not in (await sam.get(claimed.headers["location"])).text, "its row says so"
    page = links((await sam.get(f"/cases/{first}?{OF_QUEUE}")).text)
    assert f"{queue}#{first}" in page
    assert f"/cases/{first}/conversation?{OF_QUEUE}" in page
    async with triage.client(Role.SMART_RESPONDER, subject="S4009") as other:
        await press(other, f"/cases/{second}", f"/cases/{second}/claim")
    onwards = {"outcome": "support_given", "next": "yes"}
    noted = await press(sam, f"/cases/{first}?{OF_QUEUE}", f"/cases/{first}/note?{OF_QUEUE}", text="Rang")
    assert noted.headers["location"] == f"/cases/{first}/conversation?done=note&{OF_QUEUE}"
    done = await press(sam, f"/cases/{first}?{OF_QUEUE}", f"/cases/{first}/resolve?{OF_QUEUE}", **onwards)
    assert done.headers["location"] == f"/cases/{third}?done=next&{OF_QUEUE}"
    assert "This is the next one of the same queue." in (await sam.get(done.headers["location"])).text
    await press(sam, f"/cases/{third}?{OF_QUEUE}", f"/cases/{third}/claim?{OF_QUEUE}")
    last = await press(sam, f"/cases/{third}?{OF_QUEUE}", f"/cases/{third}/resolve?{OF_QUEUE}", **onwards)
    assert last.headers["location"] == f"{queue}&done=resolve&case={third}#{third}", "there is no other"
    said = (await sam.get(last.headers["location"])).text
    assert f'href="/cases/{third}?{OF_QUEUE}">{third}</a>. There is no other case for you in this queue.' in said


async def test_the_next_case_is_one_of_the_same_search_however_long_that_is(triage: Triage, sam: AsyncClient) -> None:
    older = [report(submitted_at=NOW - timedelta(minutes=number)) for number in (30, 20)]
    told = [report(narrative=LONG), report(narrative=f"{LONG}.")]
    await open_cases(triage.database, *older, *told)
    await swept(triage.database)
    came = urlencode({"from": QueueFilter(view=None, q=f'"{LONG}"').query()})
    first, second = (one.reference for one in told)
    assert f"/cases/{first}/conversation?{came}" in links((await sam.get(f"/cases/{first}?{came}")).text)
    await press(sam, f"/cases/{first}", f"/cases/{first}/claim")
    onwards = {"outcome": "support_given", "next": "yes"}
    done = await press(sam, f"/cases/{first}?{came}", f"/cases/{first}/resolve?{came}", **onwards)
    assert done.headers["location"] == f"/cases/{second}?done=next&{came}"


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        *((sort, (0, 1, 2)) for sort in (Sort.OLDEST, Sort.DUE, Sort.PRIORITY)),
        *((sort, (2, 1, 0)) for sort in (Sort.NEWEST, Sort.BEST)),
    ],
)
async def test_the_next_case_is_the_open_one_after_it_and_after_the_last_the_first(
    triage: Triage, sam: AsyncClient, sort: Sort, order: tuple[int, ...]
) -> None:
    told = [report(narrative="Bonzo", submitted_at=NOW - timedelta(minutes=10 * number)) for number in (3, 2, 1)]
    await open_cases(triage.database, *told)
    await swept(triage.database)
    came = urlencode({"from": QueueFilter(view=None, q="bonzo", sort=sort).query()})
    first, second, third = (f"/cases/{told[number].reference}" for number in order)
    onwards = {"outcome": "support_given", "next": "yes"}
    for case, following in ((second, third), (third, first), (first, "/cases")):
        await press(sam, case, f"{case}/claim")
        done = await press(sam, f"{case}?{came}", f"{case}/resolve?{came}", **onwards)
        assert done.headers["location"].partition("?")[0] == following


async def test_a_case_that_leaves_the_view_is_not_gone_without_a_word(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, told := report())
    view, case = "/cases?view=unclaimed", f"/cases/{told.reference}"
    claimed = await press(sam, view, f"{case}/claim?from=view%3Dunclaimed", version="1", back="yes")
    page = (await sam.get(claimed.headers["location"])).text
    assert f'id="{told.reference}"' not in page, "it is unclaimed no more"
    notice = page.partition("govuk-notification-banner--success")[2].partition("</h1>")[0]
    assert 'role="status"' in notice
    assert "You claimed" in notice
    assert f'href="{case}?from=view%3Dunclaimed">{told.reference}</a>.' in notice
    for other in ("done=claim&case=SP-", "done=claim&case=%3Cb%3E", "done=hacked&case=" + told.reference):
        assert "govuk-notification-banner--success" not in (await sam.get(f"/cases?{other}")).text, other


SHOW_IT = {"list=shift": "/cases/shift", "list=tasks&view=team": "/cases/tasks?view=team"}
LISTS = {
    **SHOW_IT,
    "list=repeat": "/cases/repeat",
    "list=second-reviews": "/cases/second-reviews",
    "list=wellbeing": "/cases/wellbeing",
}


@pytest.mark.parametrize("said", LISTS)
async def test_a_case_leads_back_to_the_list_that_it_was_opened_from(
    triage: Triage, sam: AsyncClient, said: str
) -> None:
    await open_cases(triage.database, told := report(behaviours=("doxing",)))
    case, came, there = f"/cases/{told.reference}", urlencode({"from": said}), LISTS[said]
    await press(sam, case, f"{case}/claim")
    await press(sam, f"{case}/tasks", f"{case}/tasks", title="Ring the school")
    if said in SHOW_IT:
        assert any(link.startswith(case) and came in link for link in links((await sam.get(there)).text))
    page = (await sam.get(f"{case}?{came}")).text
    assert f"{there}#{told.reference}" in links(page)
    assert "Back to the list" in page
    assert "Resolve and back to the list" in page
    done = await press(sam, f"{case}?{came}", f"{case}/resolve?{came}", outcome="support_given", next="yes")
    assert done.headers["location"].startswith(there)
    shown = (await sam.get(done.headers["location"])).text
    assert "You resolved" in shown
    assert "There is no other case" not in shown


@pytest.mark.parametrize(
    "said", ["https%3A%2F%2Fexample.com", "view%3Dnone", "%00", "x" * 2_000, "cursor%3Dx", "list%3Dsearch"]
)
async def test_an_address_leads_back_to_the_queue_and_nowhere_else(triage: Triage, sam: AsyncClient, said: str) -> None:
    await open_cases(triage.database, told := report())
    page = (await sam.get(f"/cases/{told.reference}?from={said}")).text
    back = re.search(r'<a href="([^"]+)" class="govuk-back-link"', page)
    assert back
    assert html.unescape(back[1]).partition("#")[0].partition("?")[0] == "/cases"


ROOMS = (
    *("", "/conversation", "/evidence", "/related", "/takedowns", "/tasks", "/people-told", "/timeline", "/merge"),
    *("/routing", "/audit", "/step-back"),
)
DONE_IN_ROOMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/note", {"text": "Rang"}),
    ("/tasks", {"title": "Ring the school"}),
    ("/takedowns", {}),
    ("/merge/split", {"what": "harassment"}),
)


async def test_every_room_of_a_case_keeps_the_way_back(triage: Triage, sam: AsyncClient) -> None:
    """Each link, each form and each answer that stays with the case says from where it was opened."""
    told, other = report(), report()
    await open_cases(triage.database, told, other)
    case = f"/cases/{told.reference}"
    await press(sam, case, f"{case}/claim")
    for room in ROOMS:
        assert _lost(await sam.get(f"{case}{room}?{OF_QUEUE}")) == [], room
    for form, typed in DONE_IN_ROOMS:
        done = await press(sam, case, f"{case}{form}?{OF_QUEUE}", **typed)
        assert _lost(done) == [], form
        assert _lost(await sam.get(f"{case}{form}?{OF_QUEUE}")) == [], f"a reload of {form}"


def _lost(answer: Response) -> list[str]:
    """Return what an answer says of a case without the way back."""
    if answer.status_code == 303:
        led = [answer.headers["location"]]
    else:
        led = re.findall(r'(?:href|action|formaction|data-back|data-show)="(/cases/SP-[^"]+)"', answer.text)
    assert led, answer.status_code
    return [one for one in led if OF_QUEUE not in html.unescape(one)]
