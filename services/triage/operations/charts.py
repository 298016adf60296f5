"""Where the bars of a chart stand, in hundredths of its width or height. Pure; the templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass

_GAP = 0.4
"""White between two parts, so that they differ by more than their shade."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar; `shade` counts from 0."""

    start: float
    length: float
    shade: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar that lies: its name, its number and its parts."""

    name: str
    number: int
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, name: str, counts: Sequence[int], most: int) -> "Bar":
        """Return a bar of `counts` side by side, where `most` fills the width."""
        parts, start = [], 0.0
        for shade, count in enumerate(counts):
            length = 100 * count / most if most else 0.0
            if count:
                parts.append(Part(round(start, 2), round(max(length - _GAP, _GAP), 2), shade))
            start += length
        return cls(name, sum(counts), tuple(parts))


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars below one another; `legend` names the shades where there are several."""

    bars: tuple[Bar, ...]
    legend: tuple[str, ...] = ()
    tone: str = "shade"
    """`age` grows darker from part to part."""


@dataclass(frozen=True, slots=True)
class Column:
    """A bar that stands; `height` in hundredths, None where there is no value."""

    name: str
    heights: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Bars beside one another, of each a wide one and narrower ones in front of it."""

    columns: tuple[Column, ...]
    top: str | None
    """What the full height stands for."""
    legend: tuple[str, ...]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        series: Sequence[Sequence[float | None]],
        top: str | None,
        legend: tuple[str, ...],
    ) -> "Columns":
        """Return columns of which the highest fills the height."""
        highest = max((value for values in series for value in values if value), default=0.0)
        columns = [
            Column(name, tuple(_height(values[number], highest) for values in series))
            for number, name in enumerate(names)
        ]
        return cls(tuple(columns), top, legend)


def _height(value: float | None, highest: float) -> float | None:
    return None if value is None else round(100 * value / highest, 2) if highest else 0.0
