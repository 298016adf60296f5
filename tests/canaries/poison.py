"""Records that no reader can read, or whose attributes are arbitrary."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import orjson

from shared.events import topics
from shared.messaging.log import Headers, Record
from tests.contract.catalogue import EVENTS


def bad_records(topic: str, word: Callable[[], str]) -> Iterator[Record]:
    """Yield one of each kind; every text in them comes from `word`."""
    kind = next((event.TYPE for event in EVENTS if topic in event.TOPICS), "org.example.monitoring.finding.v1")
    source = next(
        (f"/signpost/{writer}" for writer in topics.BY_NAME[topic].writers if writer != "external"), "/monitoring/x"
    )
    event = orjson.dumps({"report_id": word(), "narrative": word(), "reference": word(), word(): word()})
    yield Record(topic, word().encode(), f'{{"narrative": "{word()}'.encode(), _headers(kind, source))
    yield Record(topic, word().encode(), event, (*_headers(kind, source), (word(), word().encode())))
    yield Record(topic, word().encode(), event, _headers(kind, f"/{word()}"))
    yield Record(topic, word().encode(), event, _headers(kind.replace(".v1", ".v99"), source))
    yield Record(topic, None, event)
    yield Record(topic, None, word().encode() + b"\xff", _headers(kind, source))
    structured = {"specversion": "1.0", "id": word(), "source": source, "type": kind, "subject": word()}
    content = orjson.dumps({**structured, "data": {"summary": word(), "classification": "abuse", word(): word()}})
    yield Record(topic, None, content, (("content-type", b"application/cloudevents+json"),))


def _headers(kind: str, source: str) -> Headers:
    said = {"id": str(uuid4()), "source": source, "type": kind, "specversion": "1.0", "subject": str(uuid4())}
    return tuple((f"ce_{name}", value.encode()) for name, value in said.items())
