from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shared.auth.guard import Anyone, SignedIn, UnguardedRoute, anyone, requires
from shared.auth.permissions import Permission, Principal, Role
from tests.support.web import WebForTests, browsing, csrf_token

router = APIRouter(include_in_schema=False)
API = {"accept": "application/json"}


@router.get("/report/api/v1/cases")
def cases(principal: Annotated[Principal, requires(Permission.SMART_QUEUE)]) -> dict[str, str]:
    return {"subject": principal.subject}


@router.get("/report/me")
def me(principal: SignedIn) -> dict[str, str]:
    return {"subject": principal.subject}


@router.get("/report/open")
def welcome(principal: Anyone) -> dict[str, str | None]:
    return {"subject": principal.subject if principal else None}


@router.post("/report/send")
def send(principal: Anyone) -> dict[str, str | None]:
    return {"subject": principal.subject if principal else None}


def test_a_route_that_declares_no_guard_stops_the_start(web: WebForTests) -> None:
    careless = APIRouter()

    @careless.get("/report/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(UnguardedRoute, match="GET /report/forgotten"):
        web.app(router, careless)


def test_a_router_inside_a_router_is_looked_into(web: WebForTests) -> None:
    outer, inner = APIRouter(), APIRouter()

    @inner.get("/report/deep")
    def deep() -> None: ...

    outer.include_router(inner)
    with pytest.raises(UnguardedRoute, match="/report/deep"):
        web.app(outer)


def test_a_plain_route_that_knows_no_guards_stops_the_start(web: WebForTests) -> None:
    careless = APIRouter(routes=[Route("/report/plain", lambda _request: PlainTextResponse("")), *router.routes])
    with pytest.raises(UnguardedRoute, match="/report/plain"):
        web.app(careless)


def test_a_guard_of_the_router_counts(web: WebForTests) -> None:
    guarded = APIRouter(dependencies=[Depends(anyone)])

    @guarded.get("/report/fine")
    def fine() -> None: ...

    assert web.app(guarded)


async def test_an_api_without_a_token_is_401_and_with_the_wrong_role_403(web: WebForTests) -> None:
    async with browsing(web.app(router)) as client:
        unknown = await client.get("/report/api/v1/cases")
        assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, "Bearer")
        reporter = await client.get("/report/api/v1/cases", headers=web.bearer(Role.REPORTER))
        assert (reporter.status_code, reporter.headers["content-type"]) == (403, "application/problem+json")
        responder = await client.get("/report/api/v1/cases", headers=web.bearer(Role.SMART_RESPONDER))
        assert responder.json() == {"subject": "S1001"}


async def test_a_page_sends_people_to_sign_in_and_back(web: WebForTests) -> None:
    async with browsing(web.app(router)) as client:
        answer = await client.get("/report/me?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/report/me%3Ftab%3D1")


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic abc", "Bearer "])
async def test_a_bad_bearer_token_is_refused_even_beside_a_good_cookie(web: WebForTests, authorization: str) -> None:
    async with browsing(web.app(router), cookies=web.session_cookie()) as client:
        for path in ("/report/me", "/report/open"):
            answer = await client.get(path, headers={**API, "authorization": authorization})
            assert answer.status_code == 401, path


async def test_a_session_token_is_no_bearer_token(web: WebForTests) -> None:
    (token,) = web.session_cookie().values()
    async with browsing(web.app(router)) as client:
        answer = await client.get("/report/me", headers={**API, "authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_a_session_that_is_over_reads_as_signed_out_but_sends_nothing(web: WebForTests) -> None:
    async with browsing(web.app(router), cookies=web.session_cookie()) as client:
        page = await client.get("/no-such-page")
        web.clock.pass_(timedelta(minutes=31))
        assert (await client.get("/report/open")).json() == {"subject": None}
        kept = await client.post(
            "/report/send?step=2", data={"csrftoken": client.cookies["csrftoken"], "words": 'a "b" <i>'}
        )
    assert page.status_code == 404
    assert kept.status_code == 401
    assert 'action="/report/send?step=2"' in kept.text
    assert 'name="words" value="a &#34;b&#34; &lt;i&gt;"' in kept.text
    assert csrf_token(kept.text)


async def test_activity_renews_a_session_by_way_of_the_front_door(web: WebForTests) -> None:
    async with browsing(web.app(router), cookies=web.session_cookie()) as client:
        assert (await client.get("/report/me")).status_code == 200
        web.clock.pass_(timedelta(minutes=6))
        due = await client.get("/report/me")
        by_script = await client.get("/report/me", headers=API)
    assert (due.status_code, due.headers["location"]) == (303, "/sign-in/renew?next=/report/me")
    assert by_script.status_code == 200
