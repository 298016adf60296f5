"""Headers, CSRF, limits: the middleware around every route."""

import threading
from collections.abc import AsyncIterator

import httpx
import limits
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response

from shared.auth.guard import Anyone, SignedIn, anyone
from shared.web.dependencies import at_most
from shared.web.forms import read_form
from shared.web.limits import DEFAULT_LIMIT, RateLimits
from shared.web.pages import render
from shared.web.problems import Problem, standard_problem
from tests.support.web import ADDRESS, WebForTests, browsing, csrf_token

router = APIRouter(include_in_schema=False)


@router.get("/report/form")
def form(request: Request, principal: Anyone) -> Response:
    return render(request, "send_again.html", answers={}, action="/report/form")


@router.post("/report/form")
async def sent(request: Request, principal: Anyone) -> dict[str, list[str]]:
    return await read_form(request)


@router.post("/report/api/v1/things")
async def things(request: Request, principal: SignedIn) -> dict[str, int]:
    return {"size": len(await request.body())}


@router.post("/report/api/v1/open", dependencies=[Depends(anyone)])
async def open_to_all(request: Request) -> dict[str, int]:
    return {"size": len(await request.body())}


@router.post("/report/api/v1/rare", dependencies=[Depends(anyone), Depends(at_most("2/minute"))])
def rare() -> None: ...


@pytest.fixture
async def client(web: WebForTests) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(web.app(router)) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/report/form", "/nowhere", "/report/health/live", "/report/api/v1/openapi.json"])
async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


async def test_tls_is_insisted_on_where_there_is_tls(web: WebForTests) -> None:
    settings = web.settings(public_url="https://signpost.example.org")
    async with browsing(web.app(router, settings=settings), address="https://signpost.example.org") as client:
        page = await client.get("/report/form")
    assert page.headers["strict-transport-security"].startswith("max-age=")
    assert "; Secure; HttpOnly" in page.headers["set-cookie"]


async def test_a_form_with_its_token_arrives(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get("/report/form")).text)
    answer = await client.post("/report/form", data={"csrftoken": token, "a": ["1", "é"]})
    assert answer.json() == {"a": ["1", "é"]}


@pytest.mark.parametrize("token", ["", "wrong", "é"])
async def test_a_form_with_a_wrong_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    await client.get("/report/form")
    answer = await client.post("/report/form", data={"csrftoken": token, "a": "1"})
    assert answer.status_code in {400, 403}
    assert "<h1" in answer.text


async def test_a_form_without_any_cookie_is_refused(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get("/report/form")).text)
    client.cookies.clear()
    assert (await client.post("/report/form", data={"csrftoken": token})).status_code == 403


async def test_the_session_cookie_alone_changes_nothing_by_api(web: WebForTests) -> None:
    async with browsing(web.app(router), cookies=web.session_cookie()) as client:
        token = csrf_token((await client.get("/report/form")).text)
        refused = await client.post("/report/api/v1/things", json={})
        accepted = await client.post("/report/api/v1/things", json={}, headers={"x-csrftoken": token})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:signpost:problem:form-not-trusted")
    assert accepted.json() == {"size": 2}


async def test_a_bearer_token_needs_no_form_token(web: WebForTests) -> None:
    async with browsing(web.app(router)) as client:
        await client.get("/report/form")
        answer = await client.post("/report/api/v1/things", json={}, headers=web.bearer())
        anonymous = await client.post("/report/api/v1/open", json={})
    assert (answer.json(), anonymous.json()) == ({"size": 2}, {"size": 2})


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/x-www-form-urlencoded"}, b"csrftoken=\xff\xfe&a=1"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"csrftoken=%C3%A9"),
        ({"content-type": "multipart/form-data"}, b"--x"),
        ({"content-type": "multipart/form-data; boundary="}, b"--x"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"nonsense"),
        ({"content-type": "application/x-www-form-urlencoded", "x-csrftoken": "é"}, b""),
        ({"content-type": "application/x-www-form-urlencoded", "cookie": "a[=b; csrftoken=x"}, b"a=1"),
    ],
)
async def test_what_cannot_be_decoded_is_refused_as_a_client_error(
    client: httpx.AsyncClient, headers: dict[str, str], body: bytes
) -> None:
    await client.get("/report/form")
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await client.post("/report/form", content=body, headers=encoded)
    assert answer.status_code in {400, 403}


async def test_broken_utf_8_behind_a_good_token_is_400(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get("/report/form")).text)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await client.post("/report/form", content=f"csrftoken={token}&a=%ff".encode(), headers=kind)
    assert answer.status_code == 400


async def test_a_form_of_endless_fields_is_413(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get("/report/form")).text)
    fields = {"csrftoken": token} | {f"f{n}": "1" for n in range(300)}
    assert (await client.post("/report/form", data=fields)).status_code == 413


async def test_a_body_up_to_the_limit_arrives_and_one_byte_more_does_not(client: httpx.AsyncClient) -> None:
    fits = await client.post("/report/api/v1/open", content=b"x" * DEFAULT_LIMIT)
    assert fits.json() == {"size": DEFAULT_LIMIT}
    too_large = await client.post("/report/api/v1/open", content=b"x" * (DEFAULT_LIMIT + 1))
    assert (too_large.status_code, too_large.json()["type"]) == (413, "urn:signpost:problem:too-large")


async def test_a_chunked_body_is_read_no_further_than_the_limit(client: httpx.AsyncClient) -> None:
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b"x" * (DEFAULT_LIMIT // 4)

    answer = await client.post("/report/api/v1/open", content=chunks())
    assert answer.status_code == 413
    assert taken <= 6


async def test_a_lie_about_the_length_helps_nobody(client: httpx.AsyncClient) -> None:
    content = b"x" * (DEFAULT_LIMIT + 1)
    answer = await client.post("/report/api/v1/open", content=content, headers={"content-length": "5"})
    assert answer.status_code == 413


async def test_too_many_calls_are_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/report/api/v1/rare") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()["type"] == "urn:signpost:problem:too-many-requests"


async def test_writes_are_limited_for_each_token_by_itself(web: WebForTests) -> None:
    app = web.app(router, settings=web.settings(rate_limit_bearer="1/minute", rate_limit_address="1/minute"))
    first, second = web.bearer(staff_id="S1001"), web.bearer(staff_id="S1002")
    async with browsing(app) as client:
        statuses = [
            (await client.post("/report/api/v1/things", json={}, headers=who)).status_code
            for who in (first, first, second)
        ]
        nobody = [(await client.post("/report/api/v1/open", json={})).status_code for _ in range(2)]
    assert (statuses, nobody) == ([200, 429, 200], [200, 429])


async def _statuses(app: FastAPI, *calls: tuple[str, str, dict[str, str]], peer: str = "172.31.250.2") -> list[int]:
    transport = httpx.ASGITransport(app=app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        return [(await client.request(method, path, headers=headers)).status_code for method, path, headers in calls]


def _from(address: str) -> dict[str, str]:
    return {"x-forwarded-for": f"1.2.3.4, {address}"}


@pytest.mark.parametrize(("proxies", "each"), [("172.31.250.0/24", [200, 429]), ("", [429, 429])])
async def test_behind_a_trusted_proxy_each_address_is_counted_by_itself(
    web: WebForTests, proxies: str, each: list[int]
) -> None:
    app = web.app(router, settings=web.settings(rate_limit_reads="2/minute", trusted_proxies=proxies))
    read = ("GET", "/report/api/v1/openapi.json")
    many = [(*read, _from("198.51.100.1"))] * 3
    assert await _statuses(app, *many) == [200, 200, 429]
    later = [(*read, _from("198.51.100.2")), (*read, _from("198.51.100.1"))]
    assert await _statuses(app, *later) == each


async def test_reads_are_limited_for_each_person_and_for_who_is_not_signed_in_by_address(web: WebForTests) -> None:
    app = web.app(router, settings=web.settings(rate_limit_reads="2/minute", rate_limit_person="2/minute"))
    page = "/report/form"
    async with browsing(app) as client:
        first = [(await client.get(page)).status_code for _ in range(3)]
        free = [(await client.get(path)).status_code for path in ("/report/health/live", "/report/metrics")]
        invented = (await client.get(page, headers={"authorization": "Bearer x.y.z"})).status_code
    assert (first, free, invented) == ([200, 200, 429], [200, 200], 429)
    statuses = []
    for who in ("S1001", "S1001", "S1001", "S1002"):
        async with browsing(app, cookies=web.session_cookie(staff_id=who)) as client:
            statuses.append((await client.get(page)).status_code)
    assert statuses == [200, 200, 429, 200]


async def test_writes_of_a_person_are_counted_by_person_wherever_they_sit(web: WebForTests) -> None:
    app = web.app(router, settings=web.settings(rate_limit_person="2/minute", rate_limit_address="1/minute"))
    headers = {"sec-fetch-site": "same-origin"}
    statuses = []
    for who in ("S1001", "S1001", "S1001", "S1002"):
        async with browsing(app, cookies=web.session_cookie(staff_id=who)) as client:
            statuses.append((await client.post("/report/form", data={"a": "1"}, headers=headers)).status_code)
    async with browsing(app) as client:
        nobody = (await client.post("/report/form", data={"a": "1"}, headers=headers)).status_code
    assert (statuses, nobody) == ([200, 200, 429, 200], 200)


async def test_a_token_that_means_nothing_is_no_way_round_a_limit(web: WebForTests) -> None:
    app = web.app(router, settings=web.settings(rate_limit_address="2/minute"))
    async with browsing(app) as client:
        statuses = [
            (await client.post("/report/api/v1/things", json={}, headers={"authorization": f"Bearer x{n}"})).status_code
            for n in range(3)
        ]
    assert statuses == [401, 401, 429]


@pytest.mark.parametrize(
    ("query", "cookie", "status"),
    [
        ("&".join("a=1" for _ in range(100)), "a=1", 200),
        ("&".join("a=1" for _ in range(101)), "a=1", 413),
        ("", "; ".join(f"a{n}=1" for n in range(50)), 200),
        ("", "; ".join(f"a{n}=1" for n in range(51)), 431),
        ("", f"a={'1' * 17_000}", 431),
    ],
)
async def test_an_address_and_cookies_of_very_many_fields_are_refused(
    client: httpx.AsyncClient, query: str, cookie: str, status: int
) -> None:
    answer = await client.get(f"/report/form?{query}", headers={"cookie": cookie})
    assert (answer.status_code, "<h1" in answer.text) == (status, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" + b"1," * 4_000 + b"1]", 200),
        (b"[" + b"1," * 6_000 + b"1]", 413),
        (b"[" * 6_000, 413),
        (b'{"a":' * 6_000, 413),
        (b'["' + b"a, [{" * 20_000 + b'"]', 200),
        (b'["' + b'\\", [{' * 20_000 + b'"]', 200),
        (b'["", ' + b'"a", ' * 6_000 + b'""]', 413),
    ],
)
async def test_json_of_very_many_values_is_refused_unread(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    answer = await client.post("/report/api/v1/open", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status


def test_callers_are_remembered_under_a_name_that_soon_means_nothing() -> None:
    time = [0.0]
    rates = RateLimits(lambda: time[0])
    once = limits.parse("1/day")
    rates.spend(once, "report", "192.0.2.1")
    with pytest.raises(type(standard_problem(429))):
        rates.spend(once, "report", "192.0.2.1")
    assert "192.0.2.1" not in str(vars(rates))
    time[0] = 3601.0
    rates.spend(once, "report", "192.0.2.1")


def test_a_window_begins_with_its_first_call_and_the_next_one_when_it_is_over() -> None:
    time = [0.0]
    rates = RateLimits(lambda: time[0])
    twice = limits.parse("2/minute")
    spent: list[str | None] = []
    for moment in (10.0, 11.0, 69.0, 70.5, 71.0, 72.0):
        time[0] = moment
        try:
            rates.spend(twice, "report", "192.0.2.1")
            spent.append(None)
        except Problem as refused:
            spent.append(refused.headers["retry-after"])
    assert spent == [None, None, "1", None, None, "59"]


def test_callers_who_stay_away_are_forgotten_and_no_thread_waits_to_do_so() -> None:
    time, threads = [0.0], set(threading.enumerate())
    rates = RateLimits(lambda: time[0])
    for number in range(10_000):
        time[0] += 0.1
        rates.spend(limits.parse("1/minute"), "report", f"192.0.2.{number}")
    assert len(rates._windows) < 2_000
    assert set(threading.enumerate()) <= threads  # some may have ended meanwhile: another test's


async def test_health_says_why_it_is_unready(web: WebForTests) -> None:
    async with browsing(web.app(router, readiness=["consumer: broker is away"])) as client:
        ready, live = await client.get("/report/health/ready"), await client.get("/report/health/live")
        metrics = await client.get("/report/metrics")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["consumer: broker is away"])
    assert live.status_code == 200
    assert 'route="/report/health/ready"' in metrics.text
