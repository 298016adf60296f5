"""Events as other systems send them, made and written by the CloudEvents SDK."""

import json
from datetime import datetime

from cloudevents.core.bindings import http, kafka
from cloudevents.core.bindings.http import HTTPMessage
from cloudevents.core.v1.event import CloudEvent
from httpx import AsyncClient, Response
from hypothesis import strategies as st

from shared.events import topics
from shared.messaging.log import Record
from tests.services.intake.conftest import START

ADDRESS = "/report/api/v1/events"
BATCH = "application/cloudevents-batch+json"


def finding(event_id: str = "f-1", classification: str = "abuse", **data: object) -> CloudEvent:
    """Return an event of routine monitoring."""
    post = {
        "network": "Twitter",
        "kind": "reply",
        "url": "https://x.com/someone/status/1",
        "author": "@someone",
        "text": "A made-up insult",
        "published_at": "2026-11-23T09:00:00Z",
    }
    said = {"classification": classification, "labels": ["hate", "threat"], "summary": "Found today", "post": post}
    return event("/monitoring/social", "org.example.monitoring.finding.v1", event_id, said | data)


def siem_alert(event_id: str = "a-1", **data: object) -> CloudEvent:
    """Return an event of security monitoring."""
    said = {"title": "Password reset from abroad", "effect": "access", "asset": {"owner": "department"}, "people": 3}
    return event("/siem/north", "org.example.siem.alert.v1", event_id, said | data)


def event(source: str, kind: str, event_id: str, data: object, time: datetime = START) -> CloudEvent:
    """Return any event."""
    attributes = {"id": event_id, "source": source, "type": kind, "time": time, "datacontenttype": "application/json"}
    return CloudEvent(attributes, data)  # type: ignore[arg-type] # the SDK says dict, and takes whatever JSON holds


def any_json() -> st.SearchStrategy[object]:
    """Return a strategy for everything that JSON can hold, small."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
    )


def structured(sent: CloudEvent) -> HTTPMessage:
    """Return the request in structured mode."""
    return http.to_structured_event(sent)


def binary(sent: CloudEvent) -> HTTPMessage:
    """Return the request in binary mode."""
    return http.to_binary_event(sent)


async def post(client: AsyncClient, message: HTTPMessage, **headers: str) -> Response:
    """Send a request."""
    return await client.post(ADDRESS, headers={**message.headers, **headers}, content=message.body)


def batch(*sent: CloudEvent | dict[str, object]) -> HTTPMessage:
    """Return the request in batch mode, which the SDK does not have."""
    entries = [one if isinstance(one, dict) else json.loads(http.to_structured_event(one).body) for one in sent]
    return HTTPMessage({"content-type": BATCH}, json.dumps(entries).encode())


def kafka_record(sent: CloudEvent, *, in_structured_mode: bool = False) -> Record:
    """Return the record as another system writes it."""
    message = (kafka.to_structured_event if in_structured_mode else kafka.to_binary_event)(sent)
    headers = tuple((name, bytes(value)) for name, value in message.headers.items())
    return Record(topics.INBOUND.name, str(sent.get_source()).encode(), message.value, headers)
