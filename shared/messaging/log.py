"""The event log port: what the product needs of a log, proved for Kafka and PostgreSQL by one contract suite.

The contract: offsets of a partition increase (they may have holes), no committed record is skipped, records of one key
keep their order, delivery is at least once, and a member that was replaced cannot commit. On Kafka several members
share a group; the log on PostgreSQL serves one process, and the newest member replaces the one before (decision 0035).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import orjson

from shared.errors import ExplainedError

Headers = tuple[tuple[str, bytes], ...]


class Position(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is appended: bytes only, `value` None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """What is polled: a record, its position and the time the log took it."""

    record: Record
    position: Position
    appended_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll returned; `generation` is the membership it was read under."""

    records: Sequence[ReceivedRecord]
    generation: int = 0
    next_offsets: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """(topic, partition) → the offset to go on from once this batch is committed."""
    behind: int = 0
    """Offsets between this batch and the end of the member's partitions, as the log last said of itself."""


class LogUnavailable(ExplainedError):
    """The log cannot be reached, or refuses for now. Transient: wait and try again."""


class Fenced(Exception):
    """A newer member (or relay) has taken this one's place; what it had in hand is no longer its own."""


class Subscription(Protocol):
    """One member of a group. Not shared between tasks."""

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        """Wait up to `timeout` for records and return at most `max_records`, in order per partition.

        A batch that was not committed is polled again after `rewind` or by the next member.

        Raises:
            Fenced: another member has taken this one's place; subscribe again.
            LogUnavailable: the log is unavailable.
        """
        ...

    async def commit(self, batch: Batch) -> None:
        """Record that everything in `batch` is done with.

        Raises:
            Fenced: the partitions went to another member since the batch was polled.
            LogUnavailable: the log is unavailable; the batch will be polled again.
        """
        ...

    async def rewind(self) -> None:
        """Go back to the last committed offsets, so that the next poll returns uncommitted records again."""
        ...

    async def end_offsets(self) -> Mapping[tuple[str, int], int]:
        """Return the offset that the next record of each assigned partition will get."""
        ...

    async def reached(self) -> Mapping[tuple[str, int], int]:
        """Return the offset to read on from, per assigned partition, without asking the log; for between batches."""
        ...

    async def lag(self) -> Mapping[tuple[str, int], int]:
        """Return the number of offsets between the last commit and the end, per assigned partition."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class Appender(Protocol):
    """One writer, fenced by its id: opening a second one with the same id fences the first."""

    async def append(self, records: Sequence[Record]) -> None:
        """Append all of `records` or none, in order; returns once they are durable.

        Raises:
            Fenced: another appender of the same id has been opened.
            LogUnavailable: nothing was appended, or it is not known whether it was: append again.
        """
        ...

    async def close(self) -> None: ...


class EventLog(Protocol):
    """A partitioned, durable log."""

    async def appender(self, writer_id: str) -> Appender:
        """Open the one appender that may write as `writer_id`, fencing any earlier one."""
        ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join `group`, starting at the earliest record where the group has committed nothing."""
        ...

    async def behind(self, groups: Sequence[str]) -> Mapping[str, int]:
        """Return how many records each of `groups` has not committed, without joining it.

        Counted in the partitions that the group has committed in; a group that has committed nothing is left out.
        Where the log keeps marks of its own among the records it may be a little too much, never too little, and 0
        means none.

        Raises:
            LogUnavailable: the log is unavailable.
        """
        ...

    async def close(self) -> None: ...


def headers_to_text(headers: Headers) -> str:
    """Return `headers` as JSON text. Control characters, U+0000 among them, are escaped by JSON itself."""
    return orjson.dumps([(name, value.decode("latin-1")) for name, value in headers]).decode()


def headers_from_text(text: str) -> Headers:
    """Return the headers that `headers_to_text` kept."""
    return tuple((name, value.encode("latin-1")) for name, value in orjson.loads(text))
