"""A request that another site makes a browser send changes nothing, and no body is read to find out."""

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import Headers

from shared.auth.guard import Anyone, anyone
from shared.web.cross_site import Sender, sender_of
from shared.web.forms import read_form
from shared.web.pages import render
from tests.support.web import WebForTests, browsing, csrf_token

PUBLIC = "https://signpost.example.org"
FORM, API = "/report/form", "/report/api/v1/things"
router = APIRouter(include_in_schema=False)


@router.get(FORM)
def form(request: Request, principal: Anyone) -> Response:
    return render(request, "send_again.html", answers={}, action=FORM)


@router.post(FORM)
async def sent(request: Request, principal: Anyone) -> dict[str, list[str]]:
    return await read_form(request)


@router.post("/report/pressed", dependencies=[Depends(anyone)])
def pressed() -> dict[str, str]:
    """A button without answers: no route reads its form."""
    return {"pressed": "yes"}


@router.post(API, dependencies=[Depends(anyone)])
def things() -> dict[str, str]:
    return {"made": "yes"}


@pytest.fixture
async def client(web: WebForTests) -> AsyncIterator[httpx.AsyncClient]:
    app = web.app(router, settings=web.settings(public_url=PUBLIC))
    async with browsing(app, cookies=web.session_cookie(), address="https://inside.example") as opened:
        yield opened


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"sec-fetch-site": "same-origin"}, Sender.OURS),
        ({"sec-fetch-site": "none"}, Sender.OURS),
        ({"sec-fetch-site": "same-site"}, Sender.ANOTHER_SITE),
        ({"sec-fetch-site": "cross-site"}, Sender.ANOTHER_SITE),
        ({"sec-fetch-site": "what comes next"}, Sender.ANOTHER_SITE),
        ({"sec-fetch-site": "cross-site", "origin": "https://inside.example"}, Sender.ANOTHER_SITE),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, Sender.OURS),
        ({"origin": "https://inside.example"}, Sender.OURS),
        ({"origin": "https://INSIDE.example"}, Sender.OURS),
        ({"origin": PUBLIC}, Sender.OURS),
        ({"origin": "http://signpost.example.org"}, Sender.ANOTHER_SITE),
        ({"origin": "http://inside.example"}, Sender.ANOTHER_SITE),
        ({"origin": "https://evil.example"}, Sender.ANOTHER_SITE),
        ({"origin": "https://inside.example:8443"}, Sender.ANOTHER_SITE),
        ({"origin": "https://inside.example.evil.example"}, Sender.ANOTHER_SITE),
        ({"origin": "https://[broken"}, Sender.ANOTHER_SITE),
        ({"origin": "inside.example"}, Sender.ANOTHER_SITE),
        ({"origin": ""}, Sender.ANOTHER_SITE),
        ({"origin": "null"}, Sender.NOT_SAID),
        ({}, Sender.NOT_SAID),
    ],
)
def test_the_headers_say_who_sends(headers: dict[str, str], sender: Sender) -> None:
    asked = Headers({"host": "inside.example", **headers})
    assert sender_of(asked, ("https", "signpost.example.org")) is sender


def test_an_origin_never_fits_a_host_that_is_missing() -> None:
    assert sender_of(Headers({"origin": "about:blank"}), ("", "")) is Sender.ANOTHER_SITE


@pytest.mark.parametrize("path", [FORM, "/report/pressed", API])
@pytest.mark.parametrize("said", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
async def test_another_site_is_refused_even_with_a_token(
    client: httpx.AsyncClient, path: str, said: dict[str, str]
) -> None:
    token = csrf_token((await client.get(FORM)).text)
    answer = await client.post(path, data={"csrftoken": token}, headers={"x-csrftoken": token, **said})
    assert (answer.status_code, "did not come from a page of" in answer.text) == (403, True)


@pytest.mark.parametrize("path", [FORM, "/report/pressed", API])
@pytest.mark.parametrize("said", [{"sec-fetch-site": "same-origin"}, {"origin": PUBLIC}])
async def test_a_page_of_ours_needs_no_token(client: httpx.AsyncClient, path: str, said: dict[str, str]) -> None:
    assert (await client.post(path, data={"a": "1"}, headers=said)).status_code == 200


async def test_a_token_that_comes_along_is_no_answer(client: httpx.AsyncClient) -> None:
    answer = await client.post(FORM, data={"csrftoken": "old", "a": "1"}, headers={"sec-fetch-site": "same-origin"})
    assert answer.json() == {"a": ["1"]}


@pytest.mark.parametrize("path", [FORM, "/report/pressed"])
async def test_an_old_browser_is_let_in_by_its_token_alone(client: httpx.AsyncClient, path: str) -> None:
    token = csrf_token((await client.get(FORM)).text)
    assert (await client.post(path, data={"csrftoken": token, "a": "1"})).status_code == 200
    assert (await client.post(path, data={"csrftoken": token}, headers={"origin": "null"})).status_code == 200
    assert (await client.post(path, data={"a": "1"})).status_code == 403
    assert (await client.post(path)).status_code == 403
    assert (await client.post(path, content=b"{}", headers={"content-type": "application/json"})).status_code == 403


async def test_a_page_that_was_open_too_long_keeps_what_was_typed_and_sends_it_with_one_click(
    client: httpx.AsyncClient,
) -> None:
    old = csrf_token((await client.get(FORM)).text)
    client.cookies.delete("__Host-csrftoken")
    typed = {"story": "Three hours’ work\n<b>", "kinds": ["threat", "doxing"]}
    kept = await client.post(FORM, data={"csrftoken": old, **typed})
    assert (kept.status_code, "Your page was open too long" in kept.text) == (403, True)
    hidden = re.findall(r'<input type="hidden" name="(story|kinds)" value="([^"]*)">', kept.text)
    again = {
        "csrftoken": csrf_token(kept.text),
        "story": html.unescape(hidden[0][1]),
        "kinds": [v for _, v in hidden[1:]],
    }
    sent = await client.post(FORM, data=again)
    assert sent.json() == {"story": ["Three hours’ work\n<b>"], "kinds": ["threat", "doxing"]}


@pytest.mark.parametrize("said", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
async def test_another_site_cannot_have_its_form_kept(client: httpx.AsyncClient, said: dict[str, str]) -> None:
    token = csrf_token((await client.get(FORM)).text)
    client.cookies.delete("__Host-csrftoken")
    for sent in ({"csrftoken": token, "story": "canary"}, {"story": "canary"}):
        answer = await client.post(FORM, data=sent, headers=said)
        assert (answer.status_code, "canary" in answer.text, "Send again" in answer.text) == (403, False, False)
    without = await client.post(FORM, data={"csrftoken": "made.up", "story": "canary"})
    assert (without.status_code, "canary" in without.text) == (403, False)


async def test_a_form_with_files_brings_its_token_too(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get(FORM)).text)
    parts = {"csrftoken": (None, token), "a": (None, "1")}
    assert (await client.post(FORM, files=parts)).json() == {"a": ["1"]}
    assert (await client.post(FORM, files={"a": (None, "1")})).status_code == 403


async def test_a_token_that_we_did_not_sign_is_worth_nothing(client: httpx.AsyncClient) -> None:
    made_up = csrf_token((await client.get(FORM)).text).replace(".", "x.", 1)
    client.cookies.clear()
    own_cookie = {"cookie": f"csrftoken={made_up}"}
    assert (await client.post(FORM, data={"csrftoken": made_up}, headers=own_cookie)).status_code == 403
    assert csrf_token((await client.get(FORM, headers=own_cookie)).text) != made_up


async def test_nobody_is_signed_in_by_another_site(web: WebForTests) -> None:
    """Without a session too: otherwise a person would go on working in the account of the page's author."""
    async with browsing(web.app(router)) as stranger:
        refused = await stranger.post(FORM, data={"a": "1"}, headers={"sec-fetch-site": "cross-site"})
        old = await stranger.post(FORM, data={"a": "1"})
    assert (refused.status_code, old.status_code) == (403, 403)


async def test_a_bearer_token_alone_counts_beside_a_session(client: httpx.AsyncClient, web: WebForTests) -> None:
    assert (await client.post(API, json={}, headers=web.bearer())).status_code == 200
    assert (await client.post(API, json={})).status_code == 403
    assert (await client.post(FORM, data={"a": "1"}, headers=web.bearer())).status_code == 403
    assert (await client.post(FORM, json={}, headers=web.bearer())).status_code != 403, (
        "no browser sends that by itself"
    )
    assert (await client.post(FORM, json={})).status_code == 403


async def test_an_api_call_without_a_session_is_no_browsers(web: WebForTests) -> None:
    async with browsing(web.app(router)) as client:
        by_token = await client.post(API, json={}, headers={"sec-fetch-site": "cross-site", **web.bearer()})
        assert (by_token.status_code, (await client.post(API, json={})).status_code) == (200, 200)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_what_only_reads_may_come_from_anywhere(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, FORM, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code in {200, 405}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=", b"--x"),
        ("multipart/form-data; boundary=x", b"nonsense"),
    ],
)
@pytest.mark.parametrize("said", [{}, {"sec-fetch-site": "same-origin"}])
async def test_a_form_that_cannot_be_taken_apart_is_a_client_error(
    client: httpx.AsyncClient, content_type: str, body: bytes, said: dict[str, str]
) -> None:
    answer = await client.post(FORM, content=body, headers={"content-type": content_type, **said})
    assert answer.status_code in {400, 403}
