"""Bearer tokens for the reporters and readers of the demo, each kept until shortly before it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
from pydantic import SecretStr

from demo.reports import Sender
from shared.auth.permissions import Role
from shared.errors import ExplainedError


class DemoCannotRun(ExplainedError):
    """The demo cannot go on; the message holds no secret."""


OVERSEER = Sender(Role.OPERATIONS, "S8001")
READERS = (
    Sender(Role.SMART_LEAD, "S4002"),
    Sender(Role.SIRT_LEAD, "S5002"),
    Sender(Role.TRIAGE_DESK, "S6001"),
    Sender(Role.ADVICE_CENTRE, "S6002"),
    Sender(Role.POLICY_STANDARDS, "S6003"),
)
"""Between them they see every team's cases, and the alerts about them."""

Bearer = Callable[[Sender], Awaitable[str]]
"""Return the `Authorization` header of a sender."""

_EARLY_SECONDS = 30.0


class Tokens:
    """Keeps a token for each sender until shortly before it ends."""

    def __init__(self, ask: Callable[[Sender], Awaitable[tuple[str, float]]]) -> None:
        """`ask` gives a token and for how many seconds it is good."""
        self._ask = ask
        self._known: dict[Sender, tuple[str, float]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, sender: Sender) -> str:
        async with self._one_at_a_time:
            token, until = self._known.get(sender, ("", 0.0))
            if time.monotonic() >= until - _EARLY_SECONDS:
                token, life = await self._ask(sender)
                self._known[sender] = token, time.monotonic() + life
        return f"Bearer {token}"


def client_credentials(client: httpx.AsyncClient, token_url: str, secret: SecretStr) -> Tokens:
    """Return tokens that the identity provider gives to the demonstration's service clients (RFC 6749 §4.4).

    They raise `DemoCannotRun` where the provider knows no such client, `httpx.TransportError` while it is not ready.
    """

    async def ask(sender: Sender) -> tuple[str, float]:
        name = client_of(sender)
        basic = httpx.BasicAuth(name, secret.get_secret_value())
        answer = await client.post(token_url, data={"grant_type": "client_credentials"}, auth=basic)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise httpx.ReadError("the identity provider is not ready")
        if answer.status_code != httpx.codes.OK:
            raise DemoCannotRun(f"the identity provider gives client {name} no token (status {answer.status_code})")
        given = answer.json()
        return str(given["access_token"]), float(given.get("expires_in", _EARLY_SECONDS))

    return Tokens(ask)


def client_of(sender: Sender) -> str:
    """Return the service client that sends for a person of the demonstration (`deploy/keycloak`)."""
    return f"demo-{sender.staff_id}" if sender.staff_id else "reporting-system"
