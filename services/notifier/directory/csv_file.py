"""Reads the directory's CSV file: one row a person and reporting line, every problem named by its row.

Columns: `staff_id, name, email, organisation, manager_staff_id, from, to`. A person with several lines has several
rows; `from` and `to` are days (`2026-01-31`), both included, empty for open-ended; no manager is an empty cell.
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date

from services.notifier.directory.domain import ReportingLine, StaffMember, folded
from shared.ids import StaffId

COLUMNS = ("staff_id", "name", "email", "organisation", "manager_staff_id", "from", "to")
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
"""Days outside these are typing errors, or another system's way to say open-ended."""
_LONGEST = 200
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")
_STAFF_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused. `row` is the line's number as a spreadsheet shows it: the header is row 1."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """One row that can be read."""

    row: int
    person: StaffMember
    line: ReportingLine | None


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file says, row by row. `header_error` is set where nothing of it can be read."""

    rows: tuple[DirectoryRow, ...] = ()
    errors: tuple[RowError, ...] = ()
    header_error: RowError | None = None
    people_with_errors: frozenset[str] = frozenset()
    """Staff ids of refused rows: nothing else about these people is taken either."""
    rows_read: int = 0


class _Refused(ValueError):
    pass


def read(text: str) -> ReadFile:
    """Read `text`. Never raises: every problem becomes a `RowError`."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        records = [(number, record) for number, record in enumerate(reader, start=1) if any(map(str.strip, record))]
    except csv.Error:
        return ReadFile(header_error=RowError(reader.line_num, "is not well-formed CSV"))
    header = tuple(cell.strip().lower() for cell in records[0][1]) if records else ()
    if problem := _header_problem(header):
        return ReadFile(header_error=RowError(1, problem))
    return _read_rows(header, records[1:])


def _header_problem(header: tuple[str, ...]) -> str | None:
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        return f"lacks the column {', '.join(missing)}"
    return "names a column twice or one that is not known" if len(header) != len(COLUMNS) else None


def _read_rows(header: tuple[str, ...], records: list[tuple[int, list[str]]]) -> ReadFile:
    rows: list[DirectoryRow] = []
    errors: list[RowError] = []
    in_error: set[str] = set()
    for number, record in records:
        cells = dict(zip(header, map(str.strip, record), strict=False))
        try:
            _check_cells(header, record)
            rows.append(_row(number, cells))
        except _Refused as refused:
            errors.append(RowError(number, str(refused)))
            in_error.add(cells.get("staff_id", ""))
    return ReadFile(tuple(rows), tuple(errors), None, frozenset(in_error - {""}), len(records))


def _check_cells(header: tuple[str, ...], record: list[str]) -> None:
    if len(record) != len(header):
        raise _Refused(f"has {len(record)} cells where {len(header)} are expected")
    if any(len(cell) > _LONGEST for cell in record):
        raise _Refused(f"has a cell longer than {_LONGEST} characters")
    if any(not character.isprintable() for cell in record for character in cell):
        raise _Refused("has a control character")


def _row(number: int, cells: dict[str, str]) -> DirectoryRow:
    if not _STAFF_ID.fullmatch(cells["staff_id"]):
        raise _Refused("staff_id is empty or has characters that a staff number does not have")
    if not cells["name"]:
        raise _Refused("name is empty")
    email = cells["email"].lower()
    if not _ADDRESS.fullmatch(email):
        raise _Refused("email is not an e-mail address")
    person = StaffMember(StaffId(cells["staff_id"]), cells["name"], email, cells["organisation"])
    return DirectoryRow(number, person, _line(cells))


def _line(cells: dict[str, str]) -> ReportingLine | None:
    first, last = _day(cells, "from"), _day(cells, "to")
    manager = cells["manager_staff_id"]
    if not manager:
        if first or last:
            raise _Refused("has dates but no manager_staff_id")
        return None
    if folded(manager) == folded(cells["staff_id"]):
        raise _Refused("manager_staff_id is the person's own staff number")
    if first and last and last < first:
        raise _Refused("to is before from")
    return ReportingLine(StaffId(cells["staff_id"]), StaffId(manager), first, last)


def _day(cells: dict[str, str], column: str) -> date | None:
    if not cells[column]:
        return None
    try:
        day = date.fromisoformat(cells[column])
    except ValueError:
        raise _Refused(f"{column} is not a day like 2026-01-31") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise _Refused(f"{column} is before {FIRST_DAY} or after {LAST_DAY}; leave it empty where it is open-ended")
    return day
