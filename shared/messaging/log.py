"""The event log port: what Signpost needs from a log. One contract suite proves it for Kafka and PostgreSQL.

The contract: offsets of a partition increase (they may have holes), no committed record is skipped, records of one key
keep their order, delivery is at least once, and a replaced member cannot commit. On Kafka several members share a
group. The PostgreSQL log serves one process, and a new member replaces the one before (decision 0035).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import orjson

from shared.errors import ExplainedError

Headers = tuple[tuple[str, bytes], ...]


class Position(NamedTuple):
    """The position of a record."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record to append: bytes only; a `value` of None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """A polled record, with its position and the time of its append."""

    record: Record
    position: Position
    appended_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of one poll; `generation` is the membership under which it was read."""

    records: Sequence[ReceivedRecord]
    generation: int = 0
    next_offsets: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """(topic, partition) → the offset to continue from once this batch is committed."""
    behind: int = 0
    """Offsets between this batch and the end of the member's partitions, as last reported by the log."""


class LogUnavailable(ExplainedError):
    """The log cannot be reached, or cannot answer now. Transient: wait and try again."""


class Fenced(Exception):
    """A newer member (or relay) has replaced this one, and now has its work."""


class Subscription(Protocol):
    """One member of a group. Not shared between tasks."""

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        """Wait up to `timeout` for records and return at most `max_records`, in order per partition.

        A batch that was not committed is polled again after `rewind` or by the next member.

        Raises:
            Fenced: another member has replaced this one; subscribe again.
            LogUnavailable: the log is unavailable.
        """
        ...

    async def commit(self, batch: Batch) -> None:
        """Record that everything in `batch` is done.

        Raises:
            Fenced: the partitions have gone to another member since the poll.
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
        """Return the offset to read on from, per assigned partition, without asking the log; for use between polls."""
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
            LogUnavailable: nothing was appended, or the outcome is unknown; append again.
        """
        ...

    async def close(self) -> None: ...


class EventLog(Protocol):
    """A partitioned, durable log."""

    async def appender(self, writer_id: str) -> Appender:
        """Open the only appender that may write as `writer_id`, and fence any earlier one."""
        ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join `group`; it starts at the earliest record of a partition without a commit."""
        ...

    async def behind(self, groups: Sequence[str]) -> Mapping[str, int]:
        """Return how many records each of `groups` has not committed, without joining it.

        It counts the partitions in which the group has committed, and leaves out a group that has committed nothing. If
        the log keeps its own markers among the records, the number may be slightly too high, never too low; 0 means
        none.

        Raises:
            LogUnavailable: the log is unavailable.
        """
        ...

    async def close(self) -> None: ...


def headers_to_text(headers: Headers) -> str:
    """Return `headers` as JSON text. JSON escapes control characters, including U+0000."""
    return orjson.dumps([(name, value.decode("latin-1")) for name, value in headers]).decode()


def headers_from_text(text: str) -> Headers:
    """Return the headers from the text that `headers_to_text` made."""
    return tuple((name, value.encode("latin-1")) for name, value in orjson.loads(text))
