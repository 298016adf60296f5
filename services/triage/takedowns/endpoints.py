"""httpx: sends machine forms to the endpoints that are set, each with its bearer token."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from services.triage.takedowns.domain import Form, Protocol
from services.triage.takedowns.protocols import NotSent, Sent, missing
from shared import text

_PATIENCE_SECONDS = 10.0
"""For each step of a request."""
_PATIENCE_OVERALL = 30.0
"""For all requests about one form, in seconds; less than until it is sent again."""
_TRIES_AGAIN = frozenset({408, 425, 429})
_CREATE_REPORT = "/xrpc/com.atproto.moderation.createReport"
_TYPES: Mapping[Protocol, str] = {
    Protocol.ACTIVITYPUB: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
}
"""The content type of each form; JSON where there is none."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where each kind of form is sent. An ActivityPub endpoint is the outbox of an actor, whose server signs."""

    addresses: Mapping[Protocol, str]
    tokens: Mapping[Protocol, str] = field(default_factory=dict, repr=False)
    transport: httpx.AsyncBaseTransport | None = None
    """Another way to the endpoints, for tests."""

    async def send(self, protocol: Protocol, body: Form) -> Sent:
        """Send one form.

        Raises:
            NotSent: the endpoint is not set, does not answer, or refuses the form.
        """
        if protocol not in self.addresses:
            because = "no endpoint"
            raise NotSent(because, final=True)
        headers = {"authorization": f"Bearer {token}"} if (token := self.tokens.get(protocol)) else {}
        try:
            async with (
                asyncio.timeout(_PATIENCE_OVERALL),
                httpx.AsyncClient(
                    timeout=_PATIENCE_SECONDS, follow_redirects=False, headers=headers, transport=self.transport
                ) as client,
            ):
                return await self._sent(client, protocol, body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise NotSent(type(error).__name__, final=False) from None

    async def _sent(self, client: httpx.AsyncClient, protocol: Protocol, body: Form) -> Sent:
        address = self.addresses[protocol]
        if protocol is Protocol.AT_PROTOCOL:
            body, address = await _whole(client, address, body), address.rstrip("/") + _CREATE_REPORT
        kind = _TYPES.get(protocol, "application/json")
        response = _taken(await client.post(address, json=body, headers={"content-type": kind}))
        return Sent(body, _reference(response))


async def _whole(client: httpx.AsyncClient, server: str, body: Form) -> Form:
    """Return a `createReport` with the account's DID and the post's CID, as the server knows them."""
    subject = body["subject"]
    if not missing(body) or not isinstance(subject, Mapping):
        return body
    xrpc = server.rstrip("/") + "/xrpc/"
    uri = urlsplit(str(subject.get("uri", "")))
    who = uri.netloc or str(subject.get("did"))
    did = who
    if not who.startswith("did:"):
        found = _taken(await client.get(f"{xrpc}com.atproto.identity.resolveHandle", params={"handle": who}))
        did = _field(found, "did")
    if not uri.path:
        return {**body, "subject": {**subject, "did": did}}
    collection, key = uri.path.strip("/").split("/")
    asked = {"repo": did, "collection": collection, "rkey": key}
    record = _taken(await client.get(f"{xrpc}com.atproto.repo.getRecord", params=asked))
    known = {"uri": f"at://{did}/{collection}/{key}", "cid": _field(record, "cid")}
    return {**body, "subject": {**subject, **known}}


def _taken(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    again = response.is_server_error or response.status_code in _TRIES_AGAIN
    because = f"HTTP {response.status_code}"
    raise NotSent(because, final=not again)


def _field(response: httpx.Response, name: str) -> str:
    """Return a field of an answer as a line, which the database takes; empty if there is none."""
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return ""
    value = found.get(name) if isinstance(found, dict) else None
    return "" if value is None else _line(str(value))


def _line(told: str) -> str:
    return text.line(text.without_control_characters(told))


def _reference(response: httpx.Response) -> str:
    """Return what the endpoint calls the report: an id, the address of what it made, or the status alone."""
    known = _field(response, "id") or _line(response.headers.get("location", "")) or f"HTTP {response.status_code}"
    return known[:200]
