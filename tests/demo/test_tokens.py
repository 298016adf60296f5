"""The identity provider's tokens: requested by client credentials, kept while valid, and the secret is not shown."""

from base64 import b64decode
from collections import Counter
from urllib.parse import parse_qs

import httpx
import pytest
from pydantic import SecretStr

from demo import samples, tokens
from demo.reports import Sender
from demo.tokens import DemoCannotRun
from shared.auth.permissions import Role

SECRET = "canary-of-the-client-secret"
URL = "https://id.example/token"


class Provider:
    """Gives a new token for each request."""

    def __init__(self, *, life: float = 300, status: int = 200) -> None:
        self.asked: list[str] = []
        self.requests: list[httpx.Request] = []
        self._life = life
        self._status = status

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        name, _, secret = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        assert (secret, parse_qs(request.content.decode())) == (SECRET, {"grant_type": ["client_credentials"]})
        self.asked.append(name)
        if self._status != httpx.codes.OK:
            return httpx.Response(self._status, json={"error": "unauthorized_client"})
        return httpx.Response(200, json={"access_token": f"{name}-{len(self.asked)}", "expires_in": self._life})

    def tokens(self) -> tokens.Tokens:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.respond))
        return tokens.client_credentials(client, URL, SecretStr(SECRET))


async def test_each_sender_has_a_client_and_its_token_is_used_while_it_is_good() -> None:
    provider = Provider()
    bearer = provider.tokens()
    priya, nobody = samples.STAFF[0].as_reporter, Sender(Role.REPORTER)
    assert [await bearer(who) for who in (priya, nobody, priya, samples.MONITORING)] == [
        "Bearer demo-S1001-1",
        "Bearer reporting-system-2",
        "Bearer demo-S1001-1",
        "Bearer demo-S8004-3",
    ]
    assert Counter(provider.asked) == {"demo-S1001": 1, "reporting-system": 1, "demo-S8004": 1}


async def test_a_token_is_replaced_shortly_before_it_ends() -> None:
    provider = Provider(life=20)
    bearer = provider.tokens()
    assert [await bearer(samples.SUPPLIER), await bearer(samples.SUPPLIER)] == [
        "Bearer demo-S8005-1",
        "Bearer demo-S8005-2",
    ]


async def test_a_client_that_is_refused_ends_the_demo_and_no_secret_is_said() -> None:
    bearer = Provider(status=401).tokens()
    with pytest.raises(DemoCannotRun, match="client demo-S8005 no token") as refused:
        await bearer(samples.SUPPLIER)
    assert SECRET not in str(refused.value)


async def test_a_provider_that_is_not_ready_is_tried_again_like_a_broken_connection() -> None:
    bearer = Provider(status=503).tokens()
    with pytest.raises(httpx.TransportError):
        await bearer(samples.SUPPLIER)


async def test_the_secret_is_in_no_address() -> None:
    provider = Provider()
    await provider.tokens()(samples.SUPPLIER)
    assert [str(request.url) for request in provider.requests] == [URL]
