"""What a panel of the page is made of: a table, and a chart that shows it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_GAP = 0.4
"""White space between two parts, so that they differ by more than their shade."""

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar; `shade` counts from 0."""

    start: float
    length: float
    shade: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A horizontal bar: its name, its number and its parts."""

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
    """A vertical bar; `height` in hundredths, None where there is no value."""

    name: str
    heights: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns side by side: a wide one each, with narrower ones in front."""

    columns: tuple[Column, ...]
    top: str | None
    """The value at full height."""
    middle: str | None
    """The value at half the height; None if it says nothing."""
    legend: tuple[str, ...]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        series: Sequence[Sequence[float | None]],
        said: Callable[[float], str | None],
        legend: tuple[str, ...],
        highest: float | None = None,
    ) -> "Columns":
        """Return columns; the highest value, or `highest`, fills the height. `said` puts it into words for the axis."""
        if highest is None:
            highest = max((value for values in series for value in values if value), default=0.0)
        columns = [
            Column(name, tuple(_height(values[number], highest) for values in series))
            for number, name in enumerate(names)
        ]
        return cls(tuple(columns), said(highest) if highest else None, said(highest / 2) if highest else None, legend)


class Small(NamedTuple):
    """One of several drawings beside one another."""

    name: str
    drawing: Columns
    said: str
    """The drawing in one sentence."""


@dataclass(frozen=True, slots=True)
class Smalls:
    """The same drawing for several things, all on one scale."""

    smalls: tuple[Small, ...]
    legend: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as the page, CSV and JSON show them."""

    id: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the page."""

    title: str
    table: Table
    chart: Bars | Columns | Smalls | None = None
    said: str = ""
    """The chart in one sentence."""
    note: str = ""
    folded: bool = False
    """Whether the table is shown only to who asks for it, though there is no chart."""
    empty: str = ""
    """What will appear here, if there is nothing yet."""

    @property
    def id(self) -> str:
        return self.table.id


def _height(value: float | None, highest: float) -> float | None:
    return None if value is None else round(100 * value / highest, 2) if highest else 0.0
