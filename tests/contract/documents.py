"""`docs/contracts/`: OpenAPI 3.1 of each service, AsyncAPI 3 of the topics, from the code. `make docs` writes them."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

from shared.events.topics import TOPICS, Cleanup, Topic
from shared.web.api_docs import description_of
from tests.authorisation.services import OPENING, settings_of
from tests.contract.catalogue import EVENTS
from tests.shared.events.golden import promised
from tests.support.web import ClockForTests

FOLDER = Path(__file__).parents[2] / "docs" / "contracts"
ASYNCAPI = "asyncapi.json"


def openapi_name(service: str) -> str:
    """Return the file that describes a service's API."""
    return f"openapi-{service}.json"


def documents() -> Mapping[str, Mapping[str, Any]]:
    """Return every document by its file's name."""
    return {ASYNCAPI: asyncapi(), **asyncio.run(_openapi())}


def written(name: str) -> dict[str, Any]:
    """Return a document as it is in the repository."""
    return dict(json.loads((FOLDER / name).read_text("utf-8")))


def as_text(document: Mapping[str, Any]) -> str:
    """Return a document as it is written."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


async def _openapi() -> Mapping[str, Mapping[str, Any]]:
    found = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, opening in OPENING.items():
            settings = settings_of(name, "postgresql+asyncpg://nobody@localhost/nothing", folder)
            service = await stack.enter_async_context(opening(settings, clock=ClockForTests(), log=AsyncMock()))
            found[openapi_name(name)] = description_of(service.app)
    return found


def asyncapi() -> Mapping[str, Any]:
    """Return which events are on which topic, who writes it and who reads it."""
    writing = [(service, topic, "send") for topic in TOPICS for service in topic.writers]
    reading = [(service, topic, "receive") for topic in TOPICS for service in topic.readers]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Signpost events",
            "version": "1",
            "description": "CloudEvents 1.0, Kafka protocol binding, binary mode. Records of one key keep their order.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {
            f"{service}.{action}.{topic.name}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": f"{service} {'writes' if action == 'send' else 'reads'} {topic.name}",
            }
            for service, topic, action in (*writing, *reading)
        },
        "components": {"messages": {event.TYPE: _message(event.TYPE) for event in EVENTS}, "schemas": _SCHEMAS},
    }


def _channel(topic: Topic) -> Mapping[str, Any]:
    types = [event.TYPE for event in EVENTS if topic.name in event.TOPICS]
    kept = {} if topic.retention is None else {"retention.ms": int(topic.retention.total_seconds() * 1000)}
    cleanup = ["compact"] if topic.cleanup is Cleanup.COMPACT else ["delete"]
    return {
        "address": topic.name,
        "description": "Restricted: carries personal data" if topic.restricted else "Ids and classification only",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
        "bindings": {
            "kafka": {"partitions": topic.partitions, "topicConfiguration": {"cleanup.policy": cleanup, **kept}}
        },
    }


def _message(name: str) -> Mapping[str, Any]:
    payload = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": _with_own_definitions(name)}
    return {"name": name, "headers": {"$ref": "#/components/schemas/CloudEventHeaders"}, "payload": payload}


def _with_own_definitions(name: str) -> Mapping[str, Any]:
    """Return the golden schema; its references point into itself, wherever it is placed."""
    here = f"#/components/messages/{name}/payload/schema/$defs/"
    return dict(json.loads(json.dumps(promised(name)).replace("#/$defs/", here)))


_SCHEMAS = {
    "CloudEventHeaders": {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {"type": "string", "description": "UUIDv7"},
            "ce_source": {"type": "string", "description": "/signpost/<service>"},
            "ce_type": {"type": "string"},
            "ce_time": {"type": "string", "format": "date-time"},
            "ce_subject": {"type": "string", "description": "The aggregate's id"},
            "ce_sequence": {"type": "string", "description": "Per aggregate, from 1"},
            "traceparent": {"type": "string", "description": "W3C Trace Context"},
        },
    }
}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file_name, document in documents().items():
        (FOLDER / file_name).write_text(as_text(document), "utf-8")
        sys.stdout.write(f"docs/contracts/{file_name} is written\n")
