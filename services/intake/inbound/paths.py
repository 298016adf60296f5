"""Paths into an event's data: the part of JSONPath (RFC 9535) that names things, and nothing that computes. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*|\*)|\[(?P<index>[0-9]{1,4}|\*)\]|\['(?P<quoted>[^'\\]+)'\]""", re.ASCII
)
_ATTRIBUTES = frozenset({"id", "source", "type", "subject", "time"})


class InvalidPath(ValueError):
    """The text is no path that is understood here."""


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
        """Return everything in `root` that the path names, in order; nothing where it leads nowhere."""
        found = [root]
        for step in self.steps:
            found = [inner for value in found for inner in _inside(value, step)]
        return [value for value in found if value is not None]


def _steps(text: str) -> Iterator[str | int | None]:
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise InvalidPath(f"{text} cannot be read from character {at + 1} on")
        name, index, quoted = match["name"], match["index"], match["quoted"]
        yield quoted or (None if "*" in (name, index) else int(index) if index else name)
        at = match.end()


def _inside(value: object, step: str | int | None) -> Iterator[object]:
    match value, step:
        case Mapping(), str() if step in value:
            yield value[step]
        case list(), int() if step < len(value):
            yield value[step]
        case list(), None:
            yield from value
        case Mapping(), None:
            yield from value.values()
        case _:
            return
