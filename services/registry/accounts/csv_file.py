"""Reads and writes accounts as CSV. Every problem names its row and column and never repeats the cell.

Columns: `platform, handle, class` and, as needed, `status, official_use, title, owner, approved_person,
next_review_on, checks_due_on`. Days are `2026-01-31`.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from services.registry.accounts.domain import LEGACY_PERIOD, Registration, faults, sanctioned_use
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import StaffId

NEEDED = ("platform", "handle", "class")
COLUMNS = (
    *NEEDED,
    "status",
    "official_use",
    "title",
    "owner",
    "approved_person",
    "next_review_on",
    "checks_due_on",
)
MOST_ROWS = 10_000
_LONGEST = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a spreadsheet takes for the beginning of a formula, and the mark that keeps it from doing so."""

_YES_OR_NO = {"yes": True, "true": True, "no": False, "false": False}
_IMPORTABLE = {"live": AccountStatus.LIVE, "legacy": AccountStatus.LEGACY}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused. The header is row 1, as a spreadsheet shows it; no column means the whole row."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Rows that can be registered, by their number, and why the others cannot."""

    rows: tuple[tuple[int, Registration], ...]
    errors: tuple[RowError, ...]


class _BadCell(ValueError):
    """A cell is not acceptable; the message says what to do."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def read(text: str, today: date) -> ReadFile:
    """Read a whole file. A legacy account without a date gets the usual period from `today` (Sc-d)."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        return _read_lines(lines, today)
    except csv.Error:
        return _unreadable(lines.line_num, "is not valid CSV; check its quotation marks")


def write(registrations: Iterable[Registration]) -> Iterator[str]:
    """Give the lines of a file that `read` takes, with formulas made harmless."""
    yield line(COLUMNS)
    for kept in registrations:
        yield line(
            (
                kept.platform,
                kept.handle,
                kept.account_class,
                kept.status,
                "yes" if kept.official_use else "no",
                kept.title or "",
                kept.owner or "",
                kept.approved_person or "",
                kept.next_review_on.isoformat() if kept.next_review_on else "",
                kept.checks_due_on.isoformat() if kept.checks_due_on else "",
            )
        )


def line(cells: Iterable[str]) -> str:
    """Return one CSV line. A cell that a spreadsheet would run is marked with an apostrophe."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return out.getvalue()


def _read_lines(lines: Iterator[list[str]], today: date) -> ReadFile:
    header = [cell.strip().lower() for cell in next(lines, [])]
    if problem := _header_problem(header):
        return _unreadable(1, problem)
    rows, errors = [], []
    for number, cells in enumerate(lines, start=2):
        if number > MOST_ROWS + 1:
            return _unreadable(number, f"is too much: a file may have {MOST_ROWS} rows")
        if not any(cell.strip() for cell in cells):
            continue
        read_row = _read_row(number, header, cells, today)
        if isinstance(read_row, Registration):
            rows.append((number, read_row))
        else:
            errors.extend(read_row)
    return ReadFile(tuple(rows), tuple(errors))


def _read_row(number: int, header: list[str], cells: list[str], today: date) -> Registration | list[RowError]:
    if len(cells) != len(header):
        return [RowError(number, "", f"has {len(cells)} cells where the header has {len(header)}")]
    try:
        registration = _registration({name: _plain(cell) for name, cell in zip(header, cells, strict=True)}, today)
    except _BadCell as problem:
        return [RowError(number, problem.column, str(problem))]
    return [RowError(number, fault.field, fault.message) for fault in faults(registration)] or registration


def _registration(cells: Mapping[str, str], today: date) -> Registration:
    for column, cell in cells.items():
        if len(cell) > _LONGEST or not cell.isprintable():
            raise _BadCell(column, f"Use at most {_LONGEST} printable characters")
    platform = _parsed("platform", cells, _platform)
    account_class = _parsed("class", cells, AccountClass)
    status = _parsed("status", cells, _IMPORTABLE.__getitem__) if cells.get("status") else AccountStatus.LIVE
    claimed = _parsed("official_use", cells, _YES_OR_NO.__getitem__) if cells.get("official_use") else None
    due = _day("checks_due_on", cells)
    return Registration(
        platform=platform,
        handle=_handle(platform, cells["handle"]),
        account_class=account_class,
        status=status,
        official_use=sanctioned_use(account_class, claimed=False) if claimed is None else claimed,
        title=cells.get("title") or None,
        owner=_staff_id(cells.get("owner")),
        approved_person=_staff_id(cells.get("approved_person")),
        next_review_on=_day("next_review_on", cells),
        checks_due_on=due or (today + LEGACY_PERIOD if status is AccountStatus.LEGACY else None),
    )


_EXPECTED = {
    "platform": f"Use one of {', '.join(PLATFORMS)}",
    "class": f"Use one of {', '.join(AccountClass)}; a personal account is never registered",
    "status": "Use live or legacy; other states are reached on the register",
    "official_use": "Use yes or no",
}


def _parsed(column: str, cells: Mapping[str, str], parse: Callable[[str], T]) -> T:
    try:
        return parse(cells[column].lower())
    except (KeyError, ValueError):
        raise _BadCell(column, _EXPECTED[column]) from None


def _platform(slug: str) -> str:
    if slug not in PLATFORMS:
        raise KeyError
    return slug


def _handle(platform: str, cell: str) -> str:
    try:
        return canonical_handle(platform, cell)
    except InvalidHandle as problem:
        raise _BadCell("handle", f"Enter a handle or profile address of that platform ({problem})") from None


def _day(column: str, cells: Mapping[str, str]) -> date | None:
    try:
        return date.fromisoformat(cells[column]) if cells.get(column) else None
    except ValueError:
        raise _BadCell(column, "Write the day as 2026-01-31") from None


def _staff_id(cell: str | None) -> StaffId | None:
    return StaffId(cell) if cell else None


def _plain(cell: str) -> str:
    stripped = cell.strip()
    return stripped[1:] if stripped.startswith("'") and stripped[1:].startswith(_FORMULA) else stripped


def _header_problem(header: list[str]) -> str | None:
    missing = [name for name in NEEDED if name not in header]
    if missing:
        return f"lacks the column {' and '.join(missing)}"
    if len(set(header)) < len(header):
        return "names a column twice"
    unknown = sum(name not in COLUMNS for name in header)
    return f"has {unknown} unknown columns; known are {', '.join(COLUMNS)}" if unknown else None


def _unreadable(row: int, reason: str) -> ReadFile:
    return ReadFile((), (RowError(row, "", reason),))
