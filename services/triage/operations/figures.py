"""Figures by day, and the parts that a page is made of. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.triage.operations.charts import Bars, Columns
from services.triage.operations.domain import UK, Cell, Figure, day_of
from services.triage.operations.queries import Ledger

Value = str | int | float | None
ByDay = Mapping[datetime, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as people, CSV and JSON get them."""

    id: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the page."""

    title: str
    table: Table
    chart: Bars | Columns | None = None
    said: str = ""
    """The chart in one sentence."""
    note: str = ""
    empty: str = ""
    """What will appear, where there is nothing yet."""

    @property
    def id(self) -> str:
        return self.table.id


def by_figure(counts: Mapping[Cell, int]) -> dict[Figure, ByDay]:
    """Return for each figure its numbers by day (or moment) and label."""
    figures: dict[Figure, dict[datetime, dict[str, int]]] = {figure: defaultdict(dict) for figure in Figure}
    for cell, n in counts.items():
        if n > 0:
            figures[cell.figure][cell.at][cell.label] = n
    return dict(figures)


def days_until(now: datetime, count: int) -> list[datetime]:
    """Return when each of the last `count` UK days began, the oldest first."""
    today = now.astimezone(UK).date()
    noon = [datetime.combine(today - timedelta(days=back), now.time().replace(12), UK) for back in range(count)]
    return [day_of(moment) for moment in reversed(noon)]


def total(by_day: ByDay, days: Iterable[datetime]) -> Counter[str]:
    """Return the numbers of `days` together, by label."""
    together: Counter[str] = Counter()
    for day in days:
        together.update(by_day.get(day, {}))
    return together


def waiting_for_a_case(ledger: Ledger | None) -> int:
    """Return how many reports have no case and are not just on their way.

    What is on its way is left out for everybody: a number that grows and shrinks again while a case is opened would
    tell the one person who is kept from that case.
    """
    return max(0, ledger.accepted - ledger.cases - ledger.in_flight) if ledger else 0
