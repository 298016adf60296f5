"""Signing in with an identity provider: a real one, in a thread of this process, on loopback."""

import base64
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from fastapi import FastAPI
from oidc_provider_mock import User, run_server_in_thread

from services.intake.settings import IntakeSettings
from services.intake.sign_in import oidc, pages
from services.intake.sign_in.front_door import SignInParts, open_front_door
from services.intake.sign_in.oidc import Attempt, AttemptOver, SignInAttempts, open_oidc
from shared.auth import provider_tokens
from shared.auth.guard import SESSION_COOKIE
from shared.auth.tokens import ensure_key_files
from shared.db.database import Database
from shared.encryption import Keys
from tests.services.intake.sign_in.test_sign_in import TEMPLATES, router
from tests.support.web import ADDRESS, NOWHERE, ClockForTests, WebForTests, browsing, csrf_token

pytestmark = pytest.mark.xdist_group("provider")  # one server
SERVICE = "intake"
STAFF = {"staff_id": "S4001", "name": "Sam Reid", "email": "sam.reid@example.org"}
PEOPLE = (
    User(sub="sam", claims={**STAFF, "groups": ["Signpost SMART", "everybody"]}),
    User(sub="pat", claims={"name": "Pat Doe", "groups": ["everybody"]}),
)


@dataclass
class Provider:
    """A running provider, and the last request that Signpost sent it."""

    url: str

    async def sign_in(self, address: str, who: str) -> str:
        """Sign in as a person does in a browser; return where the provider sends them."""
        async with httpx.AsyncClient() as browser:
            answer = await browser.post(address, data={"sub": who} if who else {"action": "deny"})
        return answer.headers["location"]


class RunningClock(ClockForTests):
    """The machine's clock, which the provider uses too, and which a test may move forward."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def pass_(self, duration: timedelta) -> None:
        self._ahead += duration


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with run_server_in_thread(user_claims=PEOPLE) as server:
        yield Provider(f"http://localhost:{server.server_port}")


@pytest.fixture
def web(tmp_path: Path) -> WebForTests:
    return WebForTests(tmp_path, RunningClock())


def front_door(web: WebForTests, issuer: str, database: Database | None = None, **more: object) -> FastAPI:
    private, public = ensure_key_files(web.folder)
    given: dict[str, object] = {
        "secret_key": "s" * 40,
        "signing_key_file": private,
        "verify_key_file": public,
        "public_url": ADDRESS,
        "intake_database_url": "postgresql+asyncpg://",
        "oidc_issuer": issuer,
        "oidc_client_id": "signpost",
        "oidc_client_secret": "a secret",
        "oidc_roles": "Signpost SMART=smart_responder",
    }
    settings = IntakeSettings.model_validate(given | more)
    fields = web.with_database(database or NOWHERE, settings=settings, templates=[TEMPLATES])
    door = open_front_door(settings, open_oidc(settings, fields["provider"]))
    return web.app(router, pages.router, parts=SignInParts(**fields, front_door=door))


@pytest.fixture
async def client(web: WebForTests, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(front_door(web, provider.url)) as opened:
        yield opened


def link_in(page: str) -> str:
    return unescape(page.split('content="0; url=', 1)[1].split('"', 1)[0])


async def to_the_provider(client: httpx.AsyncClient, onward: str = "/") -> str:
    page = await client.get("/sign-in", params={"next": onward})
    assert page.status_code == 200
    return link_in(page.text)


async def signed_in_as(client: httpx.AsyncClient, provider: Provider, who: str, onward: str = "/") -> httpx.Response:
    return await client.get(await provider.sign_in(await to_the_provider(client, onward), who))


def changed(address: str, **values: str) -> str:
    parts = urlsplit(address)
    query = {name: value[0] for name, value in parse_qs(parts.query).items()} | values
    return urlunsplit(parts._replace(query=urlencode(query)))


def query_of(address: str) -> dict[str, str]:
    return {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}


async def test_one_signs_in_and_comes_back_to_where_one_was(client: httpx.AsyncClient, provider: Provider) -> None:
    answer = await signed_in_as(client, provider, "sam", "/cases?team=smart")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?team=smart")
    assert (await client.get("/report/me")).json() == {
        "staff_id": "S4001",
        "name": "Sam Reid",
        "roles": ["reporter", "smart_responder"],
    }
    assert not [name for name in client.cookies if oidc.cookie_named(name)]


async def test_nobody_whose_groups_are_no_role_is_more_than_a_reporter(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    await signed_in_as(client, provider, "pat")
    assert (await client.get("/report/me")).json() == {"staff_id": None, "name": "Pat Doe", "roles": ["reporter"]}


async def test_the_provider_is_asked_for_a_code_with_proof_keys(client: httpx.AsyncClient, provider: Provider) -> None:
    first, second = query_of(await to_the_provider(client)), query_of(await to_the_provider(client))
    assert first["response_type"] == "code"
    assert (first["client_id"], first["redirect_uri"]) == ("signpost", f"{ADDRESS}/sign-in/callback")
    assert (first["code_challenge_method"], first["scope"]) == ("S256", "openid profile email")
    assert not {"state", "nonce", "code_challenge"} & {name for name in first if first[name] == second[name]}


async def test_the_code_is_traded_with_the_verifier_of_its_challenge(
    client: httpx.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[httpx.Request] = []
    real = httpx.AsyncClient.send

    async def send(self: httpx.AsyncClient, request: httpx.Request, **more: object) -> httpx.Response:
        sent.append(request)
        return await real(self, request, **more)  # type: ignore[arg-type] # handed on as it came

    address = await to_the_provider(client)
    back = await provider.sign_in(address, "sam")
    monkeypatch.setattr(httpx.AsyncClient, "send", send)
    await client.get(back)
    (trade,) = [request for request in sent if request.url.path == "/oauth2/token"]
    body = parse_qs(trade.content.decode())
    digest = hashlib.sha256(body["code_verifier"][0].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query_of(address)["code_challenge"]
    assert body["redirect_uri"] == [f"{ADDRESS}/sign-in/callback"]
    assert trade.headers["authorization"].startswith("Basic ")


async def test_going_on_breaks_off_a_form_on_its_way(client: httpx.AsyncClient) -> None:
    page = await client.get("/sign-in")
    assert (page.status_code, "location" in page.headers) == (200, False)
    assert "form-action 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("onward", ["https://evil.example", "//evil.example", "/sign-in", "/sign-out"])
async def test_signing_in_leads_to_no_other_site_and_not_round_and_round(
    client: httpx.AsyncClient, provider: Provider, onward: str
) -> None:
    assert (await signed_in_as(client, provider, "sam", onward)).headers["location"] == "/"


async def test_who_is_refused_by_the_provider_is_told_and_can_try_again(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    address = await to_the_provider(client, "/cases?team=smart")
    answer = await client.get("/sign-in/callback", params={"state": query_of(address)["state"], "error": "denied"})
    assert answer.status_code == 403
    assert "You did not sign in" in answer.text
    assert 'href="/sign-in?next=/cases%3Fteam%3Dsmart"' in answer.text
    assert SESSION_COOKIE not in client.cookies


async def test_a_sign_in_that_another_browser_began_is_nobodys(
    web: WebForTests, client: httpx.AsyncClient, provider: Provider
) -> None:
    """An attacker sends a victim the end of the attacker's sign-in: the victim must not work under that name."""
    back = await provider.sign_in(await to_the_provider(client), "sam")
    async with browsing(front_door(web, provider.url)) as victim:
        await to_the_provider(victim)
        answer = await victim.get(back)
        assert answer.status_code == 400
        assert SESSION_COOKIE not in victim.cookies


@pytest.mark.parametrize("state", ["", "made-up", "é" * 50])
async def test_a_made_up_state_is_refused(client: httpx.AsyncClient, provider: Provider, state: str) -> None:
    back = await provider.sign_in(await to_the_provider(client), "sam")
    answer = await client.get(changed(back, state=state))
    assert (answer.status_code, SESSION_COOKIE in client.cookies) == (400, False)
    assert "Start signing in again" in answer.text


async def test_a_changed_cookie_is_refused(client: httpx.AsyncClient, provider: Provider) -> None:
    address = await to_the_provider(client)
    back = await provider.sign_in(address, "sam")
    (name,) = [cookie for cookie in client.cookies if oidc.cookie_named(cookie)]
    value = client.cookies[name]
    client.cookies.clear()
    client.cookies.set(name, value[:-6] + "AAAAAA", domain="127.0.0.1", path="/sign-in")
    assert (await client.get(back)).status_code == 400


def test_an_attempt_is_read_with_its_own_state_and_key_alone() -> None:
    now = ClockForTests().now()
    mine, other, attempts = Attempt.begin("/", now), Attempt.begin("/", now), SignInAttempts(Keys((b"k" * 32,)))
    value = attempts.encrypt(mine)
    assert attempts.decrypt(mine.state, value, now) == mine
    assert mine.verifier not in base64.urlsafe_b64decode(value).decode("latin-1")
    for reader, state in ((attempts, other.state), (SignInAttempts(Keys((b"o" * 32,))), mine.state)):
        with pytest.raises(AttemptOver):
            reader.decrypt(state, value, now)


async def test_a_sign_in_takes_a_quarter_of_an_hour_at_most(
    web: WebForTests, client: httpx.AsyncClient, provider: Provider
) -> None:
    back = await provider.sign_in(await to_the_provider(client), "sam")
    web.clock.pass_(timedelta(minutes=15))
    assert (await client.get(back)).status_code == 400


async def test_another_nonce_is_not_trusted(client: httpx.AsyncClient, provider: Provider) -> None:
    address = await to_the_provider(client)
    answer = await client.get(await provider.sign_in(changed(address, nonce="of another sign-in"), "sam"))
    assert (answer.status_code, SESSION_COOKIE in client.cookies) == (502, False)
    assert "We cannot trust what the sign-in service told us" in answer.text


async def test_a_code_for_another_client_is_refused(client: httpx.AsyncClient, provider: Provider) -> None:
    address = await to_the_provider(client)
    answer = await client.get(await provider.sign_in(changed(address, client_id="another"), "sam"))
    assert (answer.status_code, SESSION_COOKIE in client.cookies) == (400, False)


async def test_a_code_is_good_once(client: httpx.AsyncClient, provider: Provider) -> None:
    address = await to_the_provider(client)
    back = await provider.sign_in(address, "sam")
    kept = dict(client.cookies)
    assert (await client.get(back)).status_code == 303
    client.cookies.clear()
    for name, value in kept.items():
        client.cookies.set(name, value, domain="127.0.0.1", path="/sign-in")
    assert (await client.get(back)).status_code == 400


async def test_loading_the_last_page_again_does_no_harm(client: httpx.AsyncClient, provider: Provider) -> None:
    back = await provider.sign_in(await to_the_provider(client), "sam")
    await client.get(back)
    answer = await client.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_an_id_token_for_somebody_else_or_too_old_is_not_trusted(
    web: WebForTests, client: httpx.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = await provider.sign_in(await to_the_provider(client), "sam")
    monkeypatch.setattr(provider_tokens, "_audiences", lambda _claims: ["another"])
    assert (await client.get(back)).status_code == 502
    monkeypatch.undo()
    back = await provider.sign_in(await to_the_provider(client), "sam")
    monkeypatch.setattr(oidc.OidcSignIn, "who_came_back", _an_hour_later(oidc.OidcSignIn.who_came_back))
    assert (await client.get(back)).status_code == 502
    assert SESSION_COOKIE not in client.cookies


def _an_hour_later(real: object) -> object:
    async def who_came_back(self: object, code: str, attempt: object, now: datetime) -> object:
        return await real(self, code, attempt, now + timedelta(hours=2))  # type: ignore[operator] # as it was

    return who_came_back


async def test_a_provider_that_is_away_gets_a_page_and_another_chance(web: WebForTests, provider: Provider) -> None:
    async with browsing(front_door(web, "http://localhost:1")) as client:
        answer = await client.get("/sign-in?next=/cases")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "You cannot sign in at the moment" in answer.text


async def test_many_tabs_can_sign_in_and_do_not_pile_up_cookies(client: httpx.AsyncClient, provider: Provider) -> None:
    first, second = await to_the_provider(client, "/one"), await to_the_provider(client, "/two")
    for address, onward in ((first, "/one"), (second, "/two")):
        answer = await client.get(await provider.sign_in(address, "sam"))
        assert answer.headers["location"] == onward
    for _ in range(20):
        await to_the_provider(client)
    assert len([name for name in client.cookies if oidc.cookie_named(name)]) <= 6


async def test_a_session_is_renewed_here_and_ends_after_8_hours(
    web: WebForTests, client: httpx.AsyncClient, provider: Provider
) -> None:
    await signed_in_as(client, provider, "sam")
    web.clock.pass_(timedelta(minutes=20))
    page = await client.get("/report/me", follow_redirects=True)
    assert page.json()["roles"] == ["reporter", "smart_responder"]
    web.clock.pass_(timedelta(hours=8))
    assert (await client.get("/report/me")).headers["location"] == "/sign-in?next=/report/me"


async def test_signing_out_ends_the_session_here_and_at_the_provider(
    web: WebForTests, provider: Provider, database: Database
) -> None:
    async with browsing(front_door(web, provider.url, database)) as client:
        await signed_in_as(client, provider, "sam")
        form = await client.get("/sign-out")
        page = await client.post("/sign-out", data={"csrftoken": csrf_token(form.text)})
        assert (await client.get("/report/me")).status_code == 303
    address = link_in(page.text)
    assert address.startswith(f"{provider.url}/oauth2/end_session?")
    assert query_of(address) == {"client_id": "signpost", "post_logout_redirect_uri": f"{ADDRESS}/"}
    assert "Sam Reid" not in page.text


async def test_with_a_provider_nobody_chooses_who_they_are(client: httpx.AsyncClient) -> None:
    token = csrf_token((await client.get("/sign-out")).text)
    assert (await client.post("/sign-in", data={"csrftoken": token, "persona": "S4001"})).status_code == 403


async def test_without_a_provider_nobody_comes_back(web: WebForTests) -> None:
    fields = web.with_database(NOWHERE, templates=[TEMPLATES])
    app = web.app(router, pages.router, parts=SignInParts(**fields, front_door=open_front_door(web.settings())))
    async with browsing(app) as client:
        assert (await client.get("/sign-in/callback?state=x&code=y")).status_code == 403
