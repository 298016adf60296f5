"""Events of other systems, and paths to values in them. Pure.

Paths are the part of JSONPath (RFC 9535) that names things, and nothing that computes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypedDict

_PART = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*|\*)|\[(?P<index>[0-9]{1,4}|\*)\]|\['(?P<quoted>[^'\\]+)'\]""", re.ASCII
)
_ATTRIBUTES = frozenset({"id", "source", "type", "subject", "time"})
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""How Go and others write that there is no time."""
NOT_READABLE: Final = object()
"""Stands where an event says something of another kind than its mapping reads. No field of a report accepts it."""


class InvalidPath(ValueError):
    """The text is not a path that is supported here."""


@dataclass(frozen=True, slots=True)
class Path:
    """`$.post.urls[*]` in the data, or `@time` of the event itself."""

    text: str
    steps: tuple[str | int | None, ...]
    """A name, an index, or None for all there are."""

    @classmethod
    def parse(cls, text: str) -> "Path":
        """Read a path.

        Raises:
            InvalidPath: it is not one.
        """
        if text.startswith("@"):
            if text[1:] not in _ATTRIBUTES:
                raise InvalidPath(f"{text} is none of {', '.join(sorted(f'@{name}' for name in _ATTRIBUTES))}")
            return cls(text, (text[1:],))
        if not text.startswith("$"):
            raise InvalidPath(f"{text} begins neither with $ nor with @")
        return cls(text, tuple(_steps(text)))

    @property
    def is_attribute(self) -> bool:
        return self.text.startswith("@")

    def find(self, root: object) -> Sequence[object]:
        """Return everything in `root` that the path names, in order; nothing where it leads nowhere.

        `NOT_READABLE` where something else stands in its way, such as a text where it wants an object.
        """
        found = [root]
        for step in self.steps:
            found = [inner for value in found for inner in _inside(value, step)]
        return [value for value in found if value is not None]

    @property
    def begins_in_list(self) -> bool:
        """Whether the data as a whole can be a list."""
        return not self.is_attribute and self.steps[:1] != () and not isinstance(self.steps[0], str)


def _steps(text: str) -> Iterator[str | int | None]:
    at = 1
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise InvalidPath(f"{text} cannot be read from character {at + 1} on")
        name, index, quoted = match["name"], match["index"], match["quoted"]
        yield quoted or (None if "*" in (name, index) else int(index) if index else name)
        at = match.end()


def _inside(value: object, step: str | int | None) -> Iterator[object]:
    match value, step:
        case None, _:
            return
        case Mapping(), str():
            yield value.get(step)
        case list(), int():
            yield from value[step : step + 1]
        case list(), None:
            yield from value
        case Mapping(), None:
            yield from value.values()
        case ((str() | int() | float()), None):
            yield value  # one thing, sent without the list around it
        case _:
            yield NOT_READABLE


class DataNotReadable(Exception):
    """The data of an event is nothing that its mapping reads. The message says what to do, without the data."""


def time_or_none(time: datetime | None) -> datetime | None:
    """Return `time`; None where it is the zero time, which says that there is none."""
    return None if time == _NEVER else time


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """A CloudEvent of another system. What it says may be personal, so it never shows in a message."""

    id: str = field(repr=False)
    source: str
    type: str
    subject: str | None = field(default=None, repr=False)
    time: datetime | None = None
    data: object = field(default=None, repr=False)
    """A JSON object or a list; a `DataNotReadable` where the sender sent anything else."""

    def find(self, path: Path) -> Sequence[object]:
        """Return what `path` names in the data, or of the event itself."""
        attributes = {
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat() if self.time else None,
        }
        return path.find(attributes if path.is_attribute else self.data)


class UnknownEvent(Exception):
    """No mapping takes events of this source, of this type, or with these values."""

    def __init__(self, known: Sequence[Mapping[str, object]]) -> None:
        super().__init__()
        self.known = known
        """What can be sent."""


class SenderNotAllowed(Exception):
    """This client may not send events of that source."""


class FieldProblem(TypedDict):
    """What is wrong with one field of the report; never the value."""

    name: str
    message: str


class EventNotReadable(Exception):
    """The event lacks what its report needs, or says it in a way that is not understood."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(", ".join(problem["name"] for problem in problems))
        self.problems = tuple(problems)


class EventResult(StrEnum):
    """The result of an event."""

    REPORT = "report"
    NOT_STORED = "not_stored"
    """A mention that is neither abuse nor misuse nor an incident: counted, and nothing of it kept (C-h)."""
