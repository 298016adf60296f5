"""What the topics declare is what the services do, because brokers give them no other rights."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from shared.events.envelope import Event
from shared.events.topics import BY_NAME, GROUPS, SERVICES, SESSIONS, TOPICS, Topic, sessions_group
from tests.contract.catalogue import EVENTS

ROOT = Path(__file__).parents[2]


def consumed(service: str) -> Mapping[str, Sequence[Topic]]:
    """Return what each consumer group of `service` reads: ended sessions, and what its modules `consumer` name."""
    paths = [path.relative_to(ROOT) for path in (ROOT / "services" / service).rglob("consumer.py")]
    modules = [vars(importlib.import_module(".".join(path.with_suffix("").parts))) for path in paths]
    own = {
        str(names[name]): names[f"{name.removesuffix('GROUP')}TOPICS"]
        for names in modules
        for name in names
        if name.endswith("GROUP")
    }
    return {sessions_group(service): (SESSIONS,), **own}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_declared_as_reader_of_what_its_consumers_read(service: str) -> None:
    found = consumed(service)
    assert found.keys() == {group for group, owner in GROUPS.items() if owner == service}
    read = {topic.name for topics in found.values() for topic in topics}
    assert read == {topic.name for topic in TOPICS if service in topic.readers}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_the_service_that_owns_an_event_is_declared_as_writer_of_its_topic(kind: type[Event]) -> None:
    owner = kind.__module__.rpartition(".")[2]
    writers = SERVICES if owner == "operations" else (owner,)
    assert {BY_NAME[topic].writers for topic in kind.TOPICS} == {writers}
