"""The pages of dead letters, as an operator meets them in any service."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, select

from shared.auth.permissions import Role
from shared.db.database import Database
from shared.messaging.tables import dead_letter, dead_letter_step
from shared.people import names_of
from shared.runtime import Parts
from shared.web.dead_letters import address_of, dead_letters_router
from tests.support.people import announce
from tests.support.postgres import PostgresForTests
from tests.support.web import START, WebForTests, browsing, csrf_token

HERE = "/report/operations/dead-letters"
SECRET = "what the person wrote"


_OFFSETS = count()


@dataclass
class Desk:
    """A service with dead letters."""

    web: WebForTests
    database: Database
    client: httpx.AsyncClient

    async def letter(self, **values: object) -> UUID:
        row: dict[str, object] = {
            "id": uuid4(),
            "group_name": "signpost-intake",
            "topic": "triage.cases.v1",
            "partition": 0,
            "offset": next(_OFFSETS),
            "type": "case.opened.v1",
            "value": f'{{"narrative": "{SECRET}"}}'.encode(),
            "headers": "[]",
            "appended_at": START,
            "error_class": "KeyError",
            "attempts": 1,
            "recorded_at": START,
        }
        async with self.database.transaction() as session:
            await session.execute(insert(dead_letter).values(row | values))
        return UUID(str((row | values)["id"]))

    async def ask(self, letter: UUID, **answers: str) -> httpx.Response:
        page = await self.client.get(f"{HERE}/{letter}")
        return await self.client.post(f"{HERE}/{letter}/ask", data={"csrftoken": csrf_token(page.text), **answers})

    async def steps(self) -> list[tuple[str, str, str | None]]:
        async with self.database.transaction() as session:
            rows = await session.execute(select(dead_letter_step).order_by(dead_letter_step.c.id))
            return [(row.what, row.by, row.reason) for row in rows]


@pytest.fixture
async def desk(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Desk]:
    web = WebForTests(tmp_path)
    async with postgres.database("registry") as database:
        app = web.app(dead_letters_router("/report", names_of=names_of), parts=Parts(**web.with_database(database)))
        async with browsing(app, cookies=web.session_cookie(Role.OPERATIONS)) as client:
            yield Desk(web, database, client)


async def test_an_empty_list_says_what_will_appear(desk: Desk) -> None:
    assert "No dead letters to settle" in (await desk.client.get(HERE)).text
    assert "Nothing has been settled" in (await desk.client.get(f"{HERE}?state=settled")).text


async def test_a_list_is_filtered_by_state_and_topic_in_its_address(desk: Desk) -> None:
    one = await desk.letter()
    other = await desk.letter(topic="notifier.alerts.v1")
    settled = await desk.letter(settled_at=START, action="discarded")
    needed = (await desk.client.get(HERE)).text
    assert (str(one) in needed, str(other) in needed, str(settled) in needed) == (True, True, False)
    alerts = (await desk.client.get(f"{HERE}?topic=notifier.alerts.v1")).text
    assert (str(one) in alerts, str(other) in alerts) == (False, True)
    assert str(settled) in (await desk.client.get(f"{HERE}?state=settled")).text


@pytest.mark.parametrize("query", ["after=x", "after=2026-01-01_0", "state=none", "topic=%00"])
async def test_an_address_that_makes_no_sense_is_a_list(desk: Desk, query: str) -> None:
    assert (await desk.client.get(f"{HERE}?{query}")).status_code == 200


async def test_a_replay_is_asked_for_once_with_who_and_why(desk: Desk) -> None:
    letter = await desk.letter()
    assert (await desk.ask(letter, what="replay", reason="mended")).status_code == 303
    assert "It was asked for" in (await desk.client.get(f"{HERE}/{letter}")).text
    await desk.letter()
    again = await desk.ask(await desk.letter(), what="discard", reason="")
    assert again.status_code == 422
    assert "Say why" in again.text
    assert await desk.steps() == [("replay_asked", "S1001", "mended")]


@pytest.mark.parametrize(("known", "first"), [({}, "S1001"), ({"S1001": "Ruth Bell"}, "Ruth Bell (S1001)")])
async def test_who_asks_second_is_told_who_was_first(desk: Desk, known: dict[str, str], first: str) -> None:
    await announce(desk.database, START, **known)
    letter, token_from = await desk.letter(), await desk.letter()
    await desk.ask(letter, what="replay", reason="mended")
    token = csrf_token((await desk.client.get(f"{HERE}/{token_from}")).text)
    late = {"csrftoken": token, "what": "discard", "reason": "no"}
    second = await desk.client.post(f"{HERE}/{letter}/ask", data=late)
    assert second.status_code == 409
    assert f"{first} asked for it to be replayed before you" in second.text
    assert f"</strong> by {first}, " in second.text
    assert len(await desk.steps()) == 1


async def test_what_it_says_is_hidden_from_operations(desk: Desk) -> None:
    letter = await desk.letter()
    page = await desk.client.get(f"{HERE}/{letter}")
    assert SECRET not in page.text
    token = csrf_token(page.text)
    assert (await desk.client.post(f"{HERE}/{letter}/show", data={"csrftoken": token})).status_code == 403


async def test_whoever_also_reads_reports_sees_it_and_that_is_kept(desk: Desk) -> None:
    letter = await desk.letter()
    cookies = desk.web.session_cookie(Role.OPERATIONS, Role.SMART_RESPONDER, staff_id="S4001")
    async with browsing(desk.client._transport.app, cookies=cookies) as client:  # type: ignore[attr-defined] # httpx's
        page = await client.get(f"{HERE}/{letter}")
        assert SECRET not in page.text
        shown = await client.post(f"{HERE}/{letter}/show", data={"csrftoken": csrf_token(page.text)})
    assert SECRET in shown.text
    assert await desk.steps() == [("content_shown", "S4001", None)]


async def test_others_are_turned_away(desk: Desk) -> None:
    letter = await desk.letter()
    app = desk.client._transport.app  # type: ignore[attr-defined] # httpx's
    async with browsing(app, cookies=desk.web.session_cookie(Role.SMART_LEAD)) as lead:
        assert [(await lead.get(path)).status_code for path in (HERE, f"{HERE}/{letter}")] == [403, 403]


async def test_there_is_no_page_of_what_is_not_there(desk: Desk) -> None:
    assert (await desk.client.get(f"{HERE}/{uuid4()}")).status_code == 404


def test_the_address_of_a_letter_is_in_its_own_service() -> None:
    letter = uuid4()
    assert address_of("signpost-triage-accounts", letter) == f"/cases/operations/dead-letters/{letter}"
