"""`signpost topics diff | apply`: compares the log with `shared.events.topics`, and makes it the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from shared.events.topics import TOPICS, Topic


@dataclass(frozen=True, slots=True)
class Described:
    """A topic as it is in the log."""

    partitions: int
    retention: timedelta | None
    compacted: bool


class Topics(Protocol):
    """The topics of a log."""

    async def described(self) -> Mapping[str, Described]: ...

    async def apply(self, topics: Sequence[Topic]) -> None: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference from the declaration."""

    topic: str
    what: str
    """`missing`, `undeclared`, `partitions`, `retention` or `cleanup`."""
    found: str = ""
    declared: str = ""


async def diff(log: Topics, topics: Sequence[Topic] = TOPICS) -> list[Difference]:
    """Return the differences from the declaration."""
    described = await log.described()
    found = [difference for topic in topics for difference in differences(topic, described.get(topic.name))]
    undeclared = sorted(described.keys() - {topic.name for topic in topics})
    return found + [Difference(name, "undeclared") for name in undeclared]


async def apply(log: Topics, topics: Sequence[Topic] = TOPICS) -> list[Difference]:
    """Create and alter topics, and return the differences found. Nothing is ever deleted or reduced."""
    before = await diff(log, topics)
    await log.apply(topics)
    return before


def differences(topic: Topic, found: Described | None) -> list[Difference]:
    """Return the differences between the log's topic, if there is one, and the declared `topic`."""
    if found is None:
        return [Difference(topic.name, "missing")]
    pairs = {
        "partitions": (str(found.partitions), str(topic.partitions)),
        "retention": (str(found.retention), str(topic.retention)),
        "cleanup": ("compact" if found.compacted else "delete", topic.cleanup.value),
    }
    return [Difference(topic.name, what, *pair) for what, pair in pairs.items() if pair[0] != pair[1]]
