"""CSV files: each row is read into a model. Every problem names its row and column, and none repeats a cell's content.

A file is in UTF-8, with or without a byte order mark. Its first line names the columns: the fields of a model of
`Row`, by alias where they have one. A cell is a line (`shared.text`); an empty cell leaves its field out.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from shared import text as rule
from shared.web.bodies import InvalidValue

MOST_ROWS = 10_000
MOST_BYTES = 50_000_000
LONGEST_CELL = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""Characters that a spreadsheet reads as the start of a formula, and the mark that prevents it."""

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical lines"}
"""Some spreadsheets write these where the comma marks decimals."""

T = TypeVar("T")


class Row(BaseModel):
    """Base of the models that rows are read into. A validator raises `InvalidValue` with what to write instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every_column: ClassVar[bool] = False
    """Whether a file must also have the columns whose cells may be empty."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused. The header is row 1, as in a spreadsheet; no column means the whole row."""

    row: int
    column: str
    reason: str


class BadCell(ValueError):
    """A row is refused although each of its cells is valid; the message says what to do."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


class FileTooLarge(ValueError):
    """A file is larger than `MOST_BYTES`."""


@dataclass(frozen=True, slots=True)
class CsvFile(Generic[T]):
    """Accepted rows by number, and why the others were refused."""

    rows: tuple[tuple[int, T], ...] = ()
    errors: tuple[RowError, ...] = ()
    refused: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    """The cells of refused rows, as far as they could be read, to find what else depends on them."""
    readable: bool = True
    """Whether the file has these columns at all."""


def decode(content: bytes) -> str:
    """Return the text of a file.

    Raises:
        FileTooLarge: it is larger than `MOST_BYTES`.
        UnicodeDecodeError: it is not in UTF-8.
    """
    if len(content) > MOST_BYTES:
        raise FileTooLarge
    return content.decode("utf-8-sig")


def columns(model: type[Row]) -> tuple[str, ...]:
    """Return the columns that a file may have, in their usual order."""
    return tuple(info.alias or name for name, info in model.model_fields.items())


def needed_columns(model: type[Row]) -> tuple[str, ...]:
    """Return the columns that a file must have."""
    if model.every_column:
        return columns(model)
    return tuple(info.alias or name for name, info in model.model_fields.items() if info.is_required())


def read(text: str, model: type[R], make: Callable[[R], T], *, most_rows: int = MOST_ROWS) -> CsvFile[T]:
    """Read a whole file; `make` converts a row, or raises `BadCell`."""
    rows = _Numbered(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    try:
        return _read_rows(rows, model, make, most_rows)
    except csv.Error:
        return _unreadable(rows.last + 1, "is not valid CSV; check its quotation marks")


class _Numbered(Iterator[tuple[int, list[str]]]):
    """The rows of a file with their numbers; `last` is the last that could be read."""

    def __init__(self, rows: Iterator[list[str]]) -> None:
        self._rows = rows
        self.last = 0

    def __next__(self) -> tuple[int, list[str]]:
        cells = next(self._rows)
        self.last += 1
        return self.last, cells


def first_of_each(rows: Sequence[tuple[int, T]], key: Callable[[T], object], column: str, what: str) -> CsvFile[T]:
    """Keep the rows whose key occurs once, or in equal rows; refuse the others, as it is unclear which one is meant."""
    found: dict[object, list[tuple[int, T]]] = {}
    for number, row in rows:
        found.setdefault(key(row), []).append((number, row))
    once = tuple(same[0] for same in found.values() if _are_equal(same))
    repeated = [error for same in found.values() if not _are_equal(same) for error in _repeated(same, column, what)]
    return CsvFile(once, tuple(repeated))


def line(cells: Iterable[str | float | None]) -> str:
    """Return one line of a file (RFC 4180). A text that a spreadsheet would run as a formula gets an apostrophe."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(map(_harmless, cells))
    return out.getvalue()


def _harmless(cell: str | float | None) -> str | float | None:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _day(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise InvalidValue("Write the day as 2026-01-31") from None


def days_between(first: date, last: date, otherwise: str | None = None) -> AfterValidator:
    """Return the check that a day is between `first` and `last`; `otherwise` says what to write instead."""

    def check(day: date) -> date:
        if not first <= day <= last:
            raise InvalidValue(otherwise or f"Enter a day from {first} to {last}")
        return day

    return AfterValidator(check)


def one_of(words: Mapping[str, T], otherwise: str) -> BeforeValidator:
    """Return the check that a cell is one of `words`, in any case; `otherwise` says what to write instead."""

    def check(cell: object) -> object:
        if isinstance(cell, str) and cell.lower() in words:
            return words[cell.lower()]
        raise InvalidValue(otherwise)

    return BeforeValidator(check)


Day = Annotated[date, BeforeValidator(_day)]
Line = Annotated[str, AfterValidator(rule.line)]
"""A line without joiners, such as an id or an email address."""


def _read_rows(numbered: _Numbered, model: type[R], make: Callable[[R], T], most_rows: int) -> CsvFile[T]:
    first, names = next(((number, cells) for number, cells in numbered if not _is_empty(cells)), (1, []))
    header = [rule.line(rule.without_control_characters(cell)).lower() for cell in names]
    width = len(header)
    while header and not header[-1]:
        header.pop()  # a comma at the end of the line
    if problem := _separator_problem(names) or _header_problem(header, model):
        return _unreadable(first, problem)
    rows: list[tuple[int, T]] = []
    errors: list[RowError] = []
    refused: list[Mapping[str, str]] = []
    for number, cells in numbered:
        if number > most_rows + first:
            return _unreadable(number, f"is too much: a file may have {most_rows:,} rows")
        if _is_empty(cells):
            continue
        try:
            rows.append((number, make(_row(model, header, _cut(cells, len(header), width)))))
        except BadCell as bad:
            errors.append(RowError(number, bad.column, str(bad)))
            refused.append(dict(zip(header, map(_spelled, cells), strict=False)))
    return CsvFile(tuple(rows), tuple(errors), tuple(refused))


def _row(model: type[R], header: Sequence[str], cells: Sequence[str]) -> R:
    if len(cells) != len(header):
        raise BadCell("", f"has {len(cells)} cells where the header has {len(header)}")
    named = {column: _plain(column, cell) for column, cell in zip(header, cells, strict=True)}
    try:
        return model.model_validate({column: cell for column, cell in named.items() if cell})
    except ValidationError as wrong:
        raise _bad_cell(wrong.errors(include_url=False)[0]) from None


def _spelled(cell: str) -> str:
    """Return a cell in the canonical spelling of a line, or unchanged if it is not a line."""
    try:
        return rule.name(cell)
    except rule.ControlCharacter:
        return cell.strip()


def _plain(column: str, cell: str) -> str:
    try:
        plain = rule.name(cell)
    except rule.ControlCharacter as refused:
        raise BadCell(column, f"Remove the character {refused}") from None
    if len(plain) > LONGEST_CELL:
        raise BadCell(column, f"Use at most {LONGEST_CELL} characters")
    return plain[1:] if plain.startswith("'") and plain[1:].startswith(_FORMULA) else plain


def _cut(cells: list[str], columns: int, width: int) -> list[str]:
    """Return the cells without empty ones that the header has as well: commas at the end of each line."""
    return cells[:columns] if columns < len(cells) <= width and _is_empty(cells[columns:]) else cells


def _is_empty(cells: Iterable[str]) -> bool:
    return all(map(rule.is_blank, cells))


def _are_equal(rows: Sequence[tuple[int, object]]) -> bool:
    return all(row == rows[0][1] for _, row in rows)


def _bad_cell(error: ErrorDetails) -> BadCell:
    if error["type"] == "missing":
        return BadCell(str(error["loc"][0]), "This cell is needed")
    cause = error.get("ctx", {}).get("error")
    return BadCell(str(error["loc"][0]), str(cause) if isinstance(cause, InvalidValue) else "This cannot be read")


def _repeated(rows: Sequence[tuple[int, object]], column: str, what: str) -> Iterator[RowError]:
    for number, _ in rows:
        others = ", ".join(str(other) for other, _ in rows if other != number)
        yield RowError(number, column, f"{what} {others}")


def _separator_problem(names: Sequence[str]) -> str | None:
    found = [called for separator, called in _OTHER_SEPARATORS.items() if len(names) == 1 and separator in names[0]]
    return f"is separated by {found[0]}; save the file with commas" if found else None


def _header_problem(header: Sequence[str], model: type[Row]) -> str | None:
    missing = [name for name in needed_columns(model) if name not in header]
    if missing:
        return f"lacks the column{'' if len(missing) == 1 else 's'} {', '.join(missing)}"
    if len(set(header)) < len(header):
        return "names a column twice"
    unknown = sum(name not in columns(model) for name in header)
    if not unknown:
        return None
    return f"has {unknown} unknown column{'' if unknown == 1 else 's'}; known are {', '.join(columns(model))}"


def _unreadable(row: int, reason: str) -> CsvFile[T]:
    return CsvFile(errors=(RowError(row, "", reason),), readable=False)
