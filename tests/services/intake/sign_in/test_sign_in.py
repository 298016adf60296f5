"""Signing in by choosing a person, staying signed in, signing out."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.intake.sign_in import pages
from services.intake.sign_in.front_door import SignInParts, open_front_door
from services.intake.sign_in.pages import relative_address
from shared.auth.guard import SESSION_COOKIE, SignedIn
from shared.auth.personas import load_personas
from shared.db.database import Database
from tests.support.web import ADDRESS, NOWHERE, WebForTests, browsing, csrf_token

SERVICE = "intake"

_ROOT = Path(__file__).parents[4]
PERSONAS = _ROOT / "deploy" / "sample" / "personas.yaml"
TEMPLATES = _ROOT / "services" / "intake" / "sign_in" / "templates"
router = APIRouter(include_in_schema=False)


@router.get("/report/me")
def me(principal: SignedIn) -> dict[str, object]:
    return {"staff_id": principal.staff_id, "name": principal.name, "roles": sorted(principal.roles)}


def front_door(web: WebForTests, database: Database | None = None, **settings: object) -> FastAPI:
    given = web.settings(**({"personas_file": PERSONAS} | settings))
    fields = web.with_database(database or NOWHERE, settings=given, templates=[TEMPLATES])
    return web.app(router, pages.router, parts=SignInParts(**fields, front_door=open_front_door(given)))


@pytest.fixture
def app(web: WebForTests) -> FastAPI:
    return front_door(web)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(app) as opened:
        yield opened


async def sign_in(client: httpx.AsyncClient, staff_id: str, onward: str = "/") -> httpx.Response:
    page = await client.get("/sign-in", params={"next": onward})
    fields = {"csrftoken": csrf_token(page.text), "persona": staff_id, "next": onward}
    return await client.post("/sign-in", data=fields)


async def test_one_chooses_a_person_and_comes_back_to_where_one_was(client: httpx.AsyncClient) -> None:
    answer = await sign_in(client, "S4001", "/cases?team=smart")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?team=smart")
    assert (await client.get("/report/me")).json() == {
        "staff_id": "S4001",
        "name": "Sam Reid",
        "roles": ["reporter", "smart_responder"],
    }


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client: httpx.AsyncClient) -> None:
    cookie = (await sign_in(client, "S1001")).headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


async def test_the_session_cookie_is_secure_where_there_is_tls(web: WebForTests) -> None:
    app = front_door(web, public_url="https://localhost")
    async with browsing(app, address="https://localhost") as client:
        assert "Secure" in (await sign_in(client, "S1001")).headers["set-cookie"].split("; ")


async def test_all_people_are_offered(client: httpx.AsyncClient) -> None:
    page = (await client.get("/sign-in")).text
    legends = re.findall(r"<legend[^>]*>\s*(.*?)\s*</legend>", page)
    assert [legend.partition(",")[0] for legend in legends] == [
        "People who report",
        "People who respond",
        "People who look after accounts",
        "People who run Signpost",
    ]
    assert page.count("Good to begin with.") == 4
    assert page.count('type="radio"') == len(load_personas(PERSONAS))
    assert "Grace Okafor" in page


@pytest.mark.parametrize("chosen", ["", "S9999", "'; drop table"])
async def test_nobody_chosen_shows_the_page_again(client: httpx.AsyncClient, chosen: str) -> None:
    answer = await sign_in(client, chosen, "/cases")
    assert answer.status_code == 422
    assert "<title>Error: Choose who to sign in as" in answer.text
    assert '<a href="#persona">Choose who to sign in as</a>' in answer.text
    assert 'id="persona"' in answer.text
    assert 'name="next" value="/cases"' in answer.text


@pytest.mark.parametrize("onward", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_signing_in_never_leads_to_another_site(client: httpx.AsyncClient, onward: str) -> None:
    assert (await sign_in(client, "S1001", onward)).headers["location"] == "/"


@pytest.mark.parametrize(
    "host", ["signpost.example.org", "127.0.0.1.evil.example", "localhost.", "10.0.0.1:8000", "", "[::2]"]
)
async def test_choosing_a_person_works_by_loopback_names_only(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/sign-in", headers={"host": host})).status_code == 421
    fields = {"csrftoken": csrf_token((await client.get("/sign-in")).text), "persona": "S1001"}
    answer = await client.post("/sign-in", data=fields, headers={"host": host})
    assert answer.status_code == 421
    assert SESSION_COOKIE not in client.cookies


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:8000"])
async def test_every_loopback_name_is_fine(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/sign-in", headers={"host": host})).status_code == 200


async def test_without_personas_nobody_is_chosen(web: WebForTests) -> None:
    async with browsing(front_door(web, personas_file=None)) as client:
        token = csrf_token((await client.get("/sign-out")).text)
        assert (await client.get("/sign-in")).status_code == 403
        assert (await client.post("/sign-in", data={"csrftoken": token, "persona": "S1001"})).status_code == 403


async def test_another_site_cannot_sign_anybody_in(client: httpx.AsyncClient) -> None:
    assert (await client.post("/sign-in", data={"persona": "S1001"})).status_code == 403
    await client.get("/sign-in")
    assert (await client.post("/sign-in", data={"persona": "S1001"})).status_code == 403


async def test_activity_keeps_a_session_alive_and_8_hours_end_it(web: WebForTests, client: httpx.AsyncClient) -> None:
    await sign_in(client, "S1001")
    for _ in range(23):
        web.clock.pass_(timedelta(minutes=20))
        page = await client.get("/report/me", follow_redirects=True)
        assert (page.status_code, str(page.url)) == (200, f"{ADDRESS}/report/me")
    web.clock.pass_(timedelta(minutes=21))
    assert (await client.get("/report/me")).headers["location"].startswith("/sign-in?")


async def test_30_idle_minutes_end_a_session_and_it_cannot_be_renewed(
    web: WebForTests, client: httpx.AsyncClient
) -> None:
    await sign_in(client, "S1001")
    web.clock.pass_(timedelta(minutes=30))
    assert (await client.get("/sign-in/renew?next=/report/me")).headers["location"].startswith("/sign-in?")
    assert (await client.get("/report/me")).headers["location"] == "/sign-in?next=/report/me"


async def test_a_bearer_token_becomes_no_session(web: WebForTests, client: httpx.AsyncClient) -> None:
    answer = await client.get("/sign-in/renew", headers=web.bearer())
    assert answer.status_code == 403
    assert SESSION_COOKIE not in client.cookies


async def test_signing_out_takes_a_button_and_ends_the_session(web: WebForTests, database: Database) -> None:
    async with browsing(front_door(web, database)) as client:
        await sign_in(client, "S1001")
        page = await client.get("/sign-out")
        assert (await client.get("/report/me")).status_code == 200
        answer = await client.post("/sign-out", data={"csrftoken": csrf_token(page.text)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await client.get("/report/me")).status_code == 303


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\evil",
        "javascript:alert(1)",
        "",
        None,
        "/a\nb",
        "/é",
    ],
)
def test_sign_in_sends_no_one_to_another_site(elsewhere: str | None) -> None:
    assert relative_address(elsewhere) == "/"


def test_sign_in_returns_to_the_page_it_was_asked_from() -> None:
    assert relative_address("/cases?team=smart&q=a%20b") == "/cases?team=smart&q=a%20b"
