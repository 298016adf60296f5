"""Views of the queue that people keep: their own, and those that a lead shares with the team."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from httpx import AsyncClient, Response
from sqlalchemy import select, text

from services.triage.queue.domain import LONGEST_SEARCH, MOST_VIEWS, VIEWS_KEPT
from services.triage.queue.handlers import forget_views
from services.triage.queue.tables import SavedViewRow
from shared.auth.permissions import Role
from tests.services.triage.builders import NOW, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
API = "/cases/api/v1/saved-views"
SAM, AISHA, LEO = (
    ((Role.SMART_RESPONDER,), "S4001"),
    ((Role.SMART_LEAD,), "S4002"),
    ((Role.SIRT_RESPONDER,), "S5001"),
)
Who = tuple[tuple[Role, ...], str]


async def call(triage: Triage, who: Who, method: str, path: str = "", *, read: int = 0, **body: object) -> Response:
    roles, subject = who
    headers = triage.bearer(*roles, subject=subject) | ({"If-Match": f'"{read}"'} if read else {})
    async with triage.client() as client:
        return await client.request(method, f"{API}{path}", headers=headers, json=body or None)


async def listed(triage: Triage, who: Who) -> list[Any]:
    items: list[Any] = (await call(triage, who, "GET")).json()["items"]
    return items


async def test_a_view_is_its_owners_until_they_rename_or_delete_it(triage: Triage) -> None:
    made = await call(triage, SAM, "POST", name="Mine on X", query="platform=x&view=mine&cursor=abc&unknown=1")
    assert made.status_code == 201, made.text
    view = made.json()
    assert (view["query"], view["team"], view["version"]) == ("view=mine&platform=x", None, 1)
    path = f"/{view['view_id']}"
    for other in (AISHA, LEO):
        assert await listed(triage, other) == []
        for method, body in (("POST", {"name": "Theirs"}), ("DELETE", {})):
            assert (await call(triage, other, method, path, read=1, **body)).status_code == 404
    assert (await call(triage, SAM, "POST", path, name="Without a version")).status_code == 428
    renamed = await call(triage, SAM, "POST", path, read=1, name="Mine")
    assert (renamed.json()["name"], renamed.json()["version"]) == ("Mine", 2)
    assert (await call(triage, SAM, "DELETE", path, read=1)).status_code == 412
    assert [one["name"] for one in await listed(triage, SAM)] == ["Mine"]
    assert (await call(triage, SAM, "DELETE", path, read=2)).status_code == 204
    assert await listed(triage, SAM) == []


async def test_a_search_of_any_letters_is_saved_and_one_that_is_too_long_is_refused(
    triage: Triage, sam: AsyncClient
) -> None:
    words = "日" * LONGEST_SEARCH
    made = await call(triage, SAM, "POST", name="By a script", query=f"q={words}")
    assert (made.status_code, made.json()["query"]) == (201, urlencode({"q": words})), made.text
    saved = await press(sam, "/cases", "/cases/views", name="By hand", view=urlencode({"q": words}))
    assert saved.status_code == 303
    assert [one["name"] for one in await listed(triage, SAM)] == ["By a script", "By hand"]
    longer = await call(triage, SAM, "POST", name="Longer", query=f"q={words}日")
    assert (longer.status_code, longer.json()["type"].endswith(":query-too-long")) == (422, True)


async def test_only_a_lead_shares_a_view_with_their_team_and_never_a_search(triage: Triage) -> None:
    of_team: dict[str, Any] = {"name": "Late", "query": "view=at-risk", "team": "smart"}
    assert (await call(triage, SAM, "POST", **of_team)).json()["type"].endswith(":not-your-view")
    assert (
        await call(
            triage,
            AISHA,
            "POST",
            **of_team,
        )
    ).status_code == 201
    sirt = await call(triage, AISHA, "POST", **of_team | {"team": "sirt"})
    assert sirt.json()["type"].endswith(":not-your-view")
    words = await call(triage, AISHA, "POST", **of_team | {"query": "q=Priya+Shah"})
    assert (words.status_code, words.json()["type"].endswith(":search-is-own")) == (409, True)
    [seen] = await listed(triage, SAM)
    assert (seen["name"], seen["team"]) == ("Late", "smart")
    assert await listed(triage, LEO) == []
    path = f"/{seen['view_id']}"
    assert (await call(triage, SAM, "POST", path, read=1, name="Mine now")).status_code == 403
    assert (await call(triage, SAM, "DELETE", path, read=1)).status_code == 403
    assert (await call(triage, AISHA, "DELETE", path, read=1)).status_code == 204


async def test_a_person_keeps_few_views_and_each_for_a_year(triage: Triage) -> None:
    for number in range(MOST_VIEWS):
        assert (await call(triage, SAM, "POST", name=f"View {number}", query="q=dog")).status_code == 201
    one_more = await call(triage, SAM, "POST", name="One more", query="")
    assert (one_more.status_code, one_more.json()["type"].endswith(":too-many-views")) == (409, True)
    async with triage.database.transaction() as session:
        assert await forget_views(session, NOW + VIEWS_KEPT) == 0
        assert await forget_views(session, NOW + VIEWS_KEPT + timedelta(seconds=1)) == MOST_VIEWS
        assert list(await session.scalars(select(SavedViewRow))) == []


async def test_a_view_stands_beside_the_queue_with_the_number_that_its_viewer_sees(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    await open_cases(triage.database, report(), report(), report(platform="facebook"), report(platform="facebook"))
    async with triage.database.transaction() as session:
        triage.by_hand.add("case")
        await session.execute(text("update \"case\" set restricted = true where platform = 'facebook'"))
    assert "Save this view" in (await sam.get("/cases?platform=facebook")).text
    saved = await press(
        aisha, "/cases?platform=facebook", "/cases/views", name="Faces", view="platform=facebook", team="smart"
    )
    assert saved.headers["location"] == "/cases?platform=facebook&done=saved"
    numbers = []
    for person in (aisha, sam):
        page = (await person.get("/cases")).text
        found = re.search(
            r'href="/cases\?platform=facebook">Faces \(SMART\)(?: <span class="signpost-count">(\d+))?', page
        )
        assert found, page
        numbers.append(found[1])
    assert numbers == ["2", None], "Sam may not see the restricted ones"
    for number in range(MOST_VIEWS):
        query = "q=dog" if number % 2 else f"platform=x&since=2026-01-0{number + 1}"
        assert (await call(triage, AISHA, "POST", name=f"Own {number}", query=query)).status_code == 201
    page = (await aisha.get("/cases")).text
    assert re.search(r'Faces \(SMART\) <span class="signpost-count">2<', page), "beside as many of one's own"
    assert re.search(r'>Own 0 <span class="signpost-count">2<', page)
    assert page.count("(not counted)") == MOST_VIEWS // 2, "searches"
    view: str = (await listed(triage, AISHA))[-1]["view_id"]
    assert f'name="chosen" value="{view}"' in (await aisha.get("/cases/views")).text
    assert 'name="chosen"' not in (await sam.get("/cases/views")).text, "a team's view is its leads' to change"
    nameless = await press(aisha, "/cases/views", "/cases/views", chosen=view, version="1", name="")
    assert (nameless.status_code, "Give the view a name" in nameless.text) == (422, True)
    refused = await press(sam, "/cases", "/cases/views", chosen=view, version="1", name="Mine")
    assert (refused.status_code, "Only a lead of the team" in refused.text) == (403, True)
    await press(aisha, "/cases/views", "/cases/views", chosen=view, version="1", delete="yes")
    assert "Faces" not in (await sam.get("/cases")).text
