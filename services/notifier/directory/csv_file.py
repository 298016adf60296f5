"""Reads the directory's CSV file, and checks which of its rows fit one another and the directory. Pure.

One row a person and reporting line, every problem named by its row. Columns: `staff_id, name, email, organisation,
manager_staff_id, from, to`. A person with several lines has several rows; `from` and `to` are days (`2026-01-31`), both
included, empty for open-ended; no manager is an empty cell.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.notifier.directory.domain import Directory, ReportingLine, StaffMember, folded
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


@dataclass(frozen=True, slots=True)
class Checked:
    """What may be taken, and why the rest may not."""

    rows: tuple[DirectoryRow, ...]
    errors: tuple[RowError, ...]


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


def spelled_alike(file: ReadFile, current: Directory) -> ReadFile:
    """Spell everybody as `current` does; whoever is new, as their first row does."""
    spelling = {folded(row.person.staff_id): row.person.staff_id for row in reversed(file.rows)}
    spelling |= {folded(staff_id): staff_id for staff_id in current.staff}

    def spelled(staff_id: str) -> StaffId:
        return spelling.get(folded(staff_id), StaffId(staff_id))

    def row_of(row: DirectoryRow) -> DirectoryRow:
        person = replace(row.person, staff_id=spelled(row.person.staff_id))
        line = row.line and replace(row.line, staff_id=person.staff_id, manager=spelled(row.line.manager))
        return DirectoryRow(row.row, person, line)

    in_error = frozenset(spelled(staff_id) for staff_id in file.people_with_errors)
    return replace(file, rows=tuple(map(row_of, file.rows)), people_with_errors=in_error)


@dataclass(frozen=True, slots=True)
class _Merged:
    """The directory as it would be."""

    first_row: dict[StaffId, DirectoryRow]
    owner_of_email: dict[str, StaffId]
    known: frozenset[StaffId]
    directory: Directory


Check = Callable[[DirectoryRow, "_Merged"], str | None]


def check(file: ReadFile, current: Directory) -> Checked:
    """Drop rows until those that are left fit. A person is taken whole or not at all.

    Every round refuses at least one person, so there are at most as many rounds as people.
    """
    errors = list(file.errors)
    rows = _without(file.rows, file.people_with_errors, errors)
    while True:
        merged = _merge(rows, current)
        found = {row.row: reason for row in rows if (reason := _first_problem(row, merged))}
        if not found:
            return Checked(rows, tuple(sorted(errors, key=lambda error: error.row)))
        errors.extend(RowError(number, reason) for number, reason in found.items())
        refused = frozenset(row.person.staff_id for row in rows if row.row in found)
        rows = _without(tuple(row for row in rows if row.row not in found), refused, errors)


class _Refused(ValueError):
    pass


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


def _without(
    rows: Iterable[DirectoryRow], refused: frozenset[str] | frozenset[StaffId], errors: list[RowError]
) -> tuple[DirectoryRow, ...]:
    kept = []
    for row in rows:
        if row.person.staff_id in refused:
            errors.append(RowError(row.row, "is not taken because another row of the same person is refused"))
        else:
            kept.append(row)
    return tuple(kept)


def _merge(rows: Sequence[DirectoryRow], current: Directory) -> _Merged:
    first_row: dict[StaffId, DirectoryRow] = {}
    owners: dict[str, StaffId] = {}
    for row in rows:
        first_row.setdefault(row.person.staff_id, row)
        owners.setdefault(row.person.email, row.person.staff_id)
    kept = [member for member in current.staff.values() if member.staff_id not in first_row]
    for member in kept:
        owners[member.email] = member.staff_id
    staff = [*kept, *(row.person for row in first_row.values())]
    lines = [line for member in kept for line in current.lines.get(member.staff_id, ())]
    lines.extend(row.line for row in rows if row.line)
    return _Merged(first_row, owners, frozenset(member.staff_id for member in staff), Directory.of(staff, lines))


def _first_problem(row: DirectoryRow, merged: _Merged) -> str | None:
    return next((reason for test in _CHECKS if (reason := test(row, merged))), None)


def _same_person(row: DirectoryRow, merged: _Merged) -> str | None:
    same = merged.first_row[row.person.staff_id].person == row.person
    return None if same else "gives another name, email or organisation than an earlier row of the same person"


def _email_is_free(row: DirectoryRow, merged: _Merged) -> str | None:
    taken = merged.owner_of_email[row.person.email] != row.person.staff_id
    return "email belongs to somebody else in the file or the directory" if taken else None


def _manager_is_known(row: DirectoryRow, merged: _Merged) -> str | None:
    unknown = row.line and row.line.manager not in merged.known
    return "manager_staff_id is not among the accepted rows nor in the directory" if unknown else None


def _no_overlap(row: DirectoryRow, merged: _Merged) -> str | None:
    others = merged.directory.lines.get(row.person.staff_id, ())
    overlaps = row.line and sum(row.line.overlaps(other) for other in others) > 1
    return "overlaps with another reporting line of the same person" if overlaps else None


def _no_circle(row: DirectoryRow, merged: _Merged) -> str | None:
    circular = row.line and merged.directory.in_a_circle(row.line)
    return "makes a circle: the person would be their own manager's manager" if circular else None


_CHECKS: tuple[Check, ...] = (_same_person, _email_is_free, _manager_is_known, _no_overlap, _no_circle)
