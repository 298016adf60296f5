"""One case with all that is known about it, as far as its reader may know, and what people wrote only if asked."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.triage.campaigns.domain import PERSONAL_LINKS
from services.triage.campaigns.suggestions import suggest
from services.triage.exposure.domain import MOST_ITEMS
from shared.auth.permissions import Role
from tests.services.triage.builders import IDS, NOW, Submitted, misuse, open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import announce, piece
from tests.services.triage.people_told.test_people_told import alerts, hear
from tests.services.triage.wellbeing.test_exposure import URGENT, WORDS, figures, shown, write

SERVICE = "triage"
API = "/cases/api/v1/cases"
POST = "https://x.com/some_account/status/17"
SEVEN = ("timeline", "conversation", "evidence", "related", "people_told", "tasks", "takedowns")
NOTE, PURPOSE, ABOUT_IT = "I rang the building.", "To see who it is", "A picture that I took"


@pytest.fixture
async def client(triage: Triage) -> AsyncIterator[AsyncClient]:
    async with triage.client() as opened:
        opened.headers.update(triage.bearer(Role.SMART_RESPONDER))
        yield opened


async def address(triage: Triage, told: Submitted) -> str:
    async with triage.database.transaction() as session:
        first = text('select case_id from "case" where report_id = :id and link_number = 1')
        return f"{API}/{await session.scalar(first, {'id': told.report_id})}"


async def worked(triage: Triage, client: AsyncClient, told: Submitted, times: int = 1) -> str:
    """Let a case be worked, so that each part of it has something in it; return its address."""
    where, later = await address(triage, told), NOW + timedelta(minutes=30)
    for _ in range(times):
        picture = piece(told, sha256_sent=IDS.uuid().hex * 2, note=ABOUT_IT)
        await announce(triage.database, picture)
        await hear(triage.database, alerts(told.report_id))
        await write(triage, told, later)
        for path, body in (
            ("notes", {"text": NOTE}),
            ("tasks", {"title": "Ring the building"}),
            ("takedowns", {"link": f"{POST}?{IDS.uuid()}"}),
        ):
            version = (await client.get(where)).headers["ETag"]
            done = await client.post(f"{where}/{path}", json=body, headers={"If-Match": version})
            assert done.status_code == 200, done.text
        opened = f"{where}/evidence/{picture.evidence_id}/open"
        assert (await client.post(opened, json={"purpose": PURPOSE})).status_code == 200
    async with triage.database.transaction() as session:
        while await suggest(session, NOW, ids=IDS, personal_links=PERSONAL_LINKS):
            pass
    return where


def texts(value: object) -> Iterator[str]:
    """Yield every text in an answer."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def says(body: object, *words: str) -> list[bool]:
    return [any(word in one for one in texts(body)) for word in words]


async def test_a_case_is_read_whole_and_what_its_reporter_wrote_only_if_asked(
    triage: Triage, client: AsyncClient
) -> None:
    told, other = report(urls=(POST,)), report(urls=(POST,))
    await open_cases(triage.database, told, other)
    where = await worked(triage, client, told)
    answer = await client.get(where)
    whole = answer.json()
    assert all(whole[part] for part in SEVEN), {part: len(whole[part]) for part in SEVEN}
    assert answer.headers["ETag"] == f'"{whole["version"]}"'
    [related] = whole["related"]
    assert (related["reference"], related["why"]) == (
        other.reference,
        ["same link", "same account", "about the same person"],
    )
    assert [one["size"] for one in whole["campaigns"]] == [2]
    assert whole["people_told"][0]["who"] == "The reporter’s manager"
    assert [entry["action"] for entry in whole["evidence"][0]["custody"]] == ["added", "opened"]
    assert [one["title"] for one in whole["tasks"] if one["task_id"]] == ["Ring the building"]
    assert {"question": "What happened", "answers": ["Harassment"]} in whole["answers"]
    for part, id_ in (("timeline", "activity_id"), ("conversation", "entry_id"), ("related", "case_id")):
        assert len({one[id_] for one in whole[part]}) == len(whole[part])
    assert says(whole, told.narrative, WORDS, POST, NOTE, PURPOSE) == [False, False, False, True, True]
    assert (whole["written"], says(whole, "content_shown")) == (None, [False])
    with_content = (await client.get(where, params={"content": "true"})).json()
    assert says(with_content, told.narrative, WORDS, POST, NOTE, PURPOSE) == [True] * 5
    assert with_content["written"]["links"] == [POST]
    assert with_content["timeline"][-1]["action"] == "content_shown"
    assert set(with_content) == set(whole)


async def test_no_one_reads_of_a_case_that_they_may_not_see(triage: Triage, client: AsyncClient) -> None:
    told, hidden = report(urls=(POST,)), misuse(urls=(POST,), platform="x")
    await open_cases(triage.database, told, hidden)
    whole = (await client.get(await worked(triage, client, told))).json()
    assert (whole["related"], whole["campaigns"]) == ([], [])
    assert (await client.get(await address(triage, hidden), params={"content": "true"})).status_code == 404


async def test_content_counts_to_what_a_person_is_shown_and_what_is_urgent_is_never_held_up(
    triage: Triage, client: AsyncClient
) -> None:
    told, urgent = report(), report(**URGENT)
    await open_cases(triage.database, told, urgent)
    where = await address(triage, told)
    assert (await client.get(where)).status_code == 200
    assert await figures(triage) == {}
    assert (await client.get(where, params={"content": "true"})).json()["written"]["texts"][
        "narrative"
    ] == told.narrative
    assert await figures(triage) == {("s4001", "smart"): (1, 0)}
    await shown(triage, "S4001", MOST_ITEMS, team="sirt")
    refused = await client.get(where, params={"content": "true"})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "content-limit-reached")
    assert (await client.get(where)).status_code == 200
    answer = await client.get(await address(triage, urgent), params={"content": "true"})
    assert answer.json()["written"]["texts"]["narrative"] == urgent.narrative
