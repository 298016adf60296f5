"""Reads a CSV file row by row. Every problem names its row and column and never repeats the cell."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from services.registry.context.domain import FIRST_DAY, LAST_DAY

MOST_ROWS = 10_000
_LONGEST = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a spreadsheet takes for the beginning of a formula, and the mark that keeps it from doing so."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused. The header is row 1, as a spreadsheet shows it; no column means the whole row."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadRows(Generic[T]):
    """Rows that can be taken, by their number, and why the others cannot."""

    rows: tuple[tuple[int, T], ...]
    errors: tuple[RowError, ...]


class BadCell(ValueError):
    """A cell is not acceptable; the message says what to do. No column means the whole row."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Columns:
    """What a file's header may name, and what it must."""

    needed: Sequence[str]
    known: Sequence[str]


def read_rows(text: str, columns: Columns, parse: Callable[[Mapping[str, str]], T]) -> ReadRows[T]:
    """Read a whole file; `parse` makes a row of cells by column, or raises `BadCell`."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        return _read_lines(lines, columns, parse)
    except csv.Error:
        return _unreadable(lines.line_num, "is not valid CSV; check its quotation marks")


def first_of_each(rows: Sequence[tuple[int, T]], key: Callable[[T], object], column: str, what: str) -> ReadRows[T]:
    """Keep the rows whose key comes once. Where it comes again, nobody can say which row is meant."""
    numbers: dict[object, list[int]] = {}
    for number, row in rows:
        numbers.setdefault(key(row), []).append(number)
    once = tuple((number, row) for number, row in rows if len(numbers[key(row)]) == 1)
    repeated = [error for same in numbers.values() if len(same) > 1 for error in _repeated(same, column, what)]
    return ReadRows(once, tuple(repeated))


def line(cells: Iterable[str]) -> str:
    """Return one CSV line. A cell that a spreadsheet would run is marked with an apostrophe."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return out.getvalue()


def day(column: str, cells: Mapping[str, str]) -> date | None:
    """Return the day in a cell; None where it is empty.

    Raises:
        BadCell: it is no day, or one that a form would take for a typing error.
    """
    if not cells.get(column):
        return None
    try:
        found = date.fromisoformat(cells[column])
    except ValueError:
        raise BadCell(column, "Write the day as 2026-01-31") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise BadCell(column, f"Enter a day from {FIRST_DAY} to {LAST_DAY}")
    return found


def _read_lines(lines: Iterator[list[str]], columns: Columns, parse: Callable[[Mapping[str, str]], T]) -> ReadRows[T]:
    header = [cell.strip().lower() for cell in next(lines, [])]
    if problem := _header_problem(header, columns):
        return _unreadable(1, problem)
    rows: list[tuple[int, T]] = []
    errors: list[RowError] = []
    for number, cells in enumerate(lines, start=2):
        if number > MOST_ROWS + 1:
            return _unreadable(number, f"is too much: a file may have {MOST_ROWS} rows")
        if not any(cell.strip() for cell in cells):
            continue
        try:
            rows.append((number, parse(_named(header, cells))))
        except BadCell as bad:
            errors.append(RowError(number, bad.column, str(bad)))
    return ReadRows(tuple(rows), tuple(errors))


def _named(header: list[str], cells: list[str]) -> Mapping[str, str]:
    if len(cells) != len(header):
        raise BadCell("", f"has {len(cells)} cells where the header has {len(header)}")
    named = {name: _plain(cell) for name, cell in zip(header, cells, strict=True)}
    for column, cell in named.items():
        if len(cell) > _LONGEST or not cell.isprintable():
            raise BadCell(column, f"Use at most {_LONGEST} printable characters")
    return named


def _repeated(numbers: Sequence[int], column: str, what: str) -> Iterator[RowError]:
    for number in numbers:
        others = ", ".join(str(other) for other in numbers if other != number)
        yield RowError(number, column, f"{what} {others}")


def _plain(cell: str) -> str:
    stripped = cell.strip()
    return stripped[1:] if stripped.startswith("'") and stripped[1:].startswith(_FORMULA) else stripped


def _header_problem(header: list[str], columns: Columns) -> str | None:
    missing = [name for name in columns.needed if name not in header]
    if missing:
        return f"lacks the column {' and '.join(missing)}"
    if len(set(header)) < len(header):
        return "names a column twice"
    unknown = sum(name not in columns.known for name in header)
    return f"has {unknown} unknown columns; known are {', '.join(columns.known)}" if unknown else None


def _unreadable(row: int, reason: str) -> ReadRows[T]:
    return ReadRows((), (RowError(row, "", reason),))
